{{- /* The filter's configuration: the catalog and the rest, which must not both say the same. */ -}}
{{- define "sallyport.config" -}}
{{- range $member := list "apis" "products" "apps" }}
{{- if hasKey $.Values.config $member }}
{{- fail (printf "config.%s: write it as catalog.%s" $member $member) }}
{{- end }}
{{- end }}
{{- $named := false }}
{{- $asks := false }}
{{- range .Values.config.sequence }}
{{- with .introspect_token }}
{{- $asks = true }}
{{- if eq .cluster (printf "httproute/%s/okta/rule/0" $.Release.Namespace) }}
{{- $named = true }}
{{- $authority := .authority | default "" | lower | trimSuffix ":443" }}
{{- /* They may differ: Keycloak wants its issuer's name wherever it is called. But not when one is still the example. */}}
{{- if and $authority (ne ($.Values.okta.host | lower) $authority) (has "dev-123456.okta.com" (list $.Values.okta.host $authority)) }}
{{- fail (printf "config.sequence: introspect_token.authority is %s, and its cluster %s calls okta.host, %s: write the same host in both" .authority .cluster $.Values.okta.host) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $asks (not $named) }}
{{- fail (printf "config.sequence: no introspect_token has the cluster httproute/%s/okta/rule/0, which this chart makes in its namespace: the filter would ask nobody" .Release.Namespace) }}
{{- end }}
{{- include "sallyport.checkQuotas" . }}
{{- toYaml (merge (deepCopy .Values.config) .Values.catalog) }}
{{- end }}

{{- /* Fails when a quota asks a cluster that nobody makes, or when nobody asks the engine's. */ -}}
{{- define "sallyport.checkQuotas" -}}
{{- $engine := default "" (.Values.quotaEngine).host }}
{{- if regexMatch "^[0-9.]+$|:" $engine }}
{{- fail (printf "quotaEngine.host: %s is an address: the chart needs a name" $engine) }}
{{- end }}
{{- $made := printf "grpcroute/%s/ratelimit/rule/0" .Release.Namespace }}
{{- $sequences := list .Values.config.sequence }}
{{- range .Values.catalog.apis }}{{ $sequences = append $sequences .sequence }}{{ end }}
{{- $asked := false }}
{{- range $sequences }}{{ range . }}{{ with .quota }}{{ with .engine }}
{{- $cluster := default "" .cluster }}
{{- if and $engine (eq $cluster $made) }}{{ $asked = true }}
{{- else if or (eq $cluster $made) (not (regexMatch "^(grpc|http)route/" $cluster)) }}
{{- fail (printf "there is no cluster %q for the quota: set quotaEngine.host, and engine.cluster to %s" $cluster $made) }}
{{- end }}
{{- end }}{{ end }}{{ end }}{{ end }}
{{- if and $engine (not $asked) }}
{{- fail (printf "quotaEngine: no quota has the engine.cluster %s, so the engine would count nothing" $made) }}
{{- end }}
{{- end }}

{{- define "sallyport.labels" -}}
app.kubernetes.io/name: sallyport
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- /* Headers by which some servers take another path or method than the one that was decided on. */ -}}
{{- define "sallyport.overrides" -}}
[x-original-url, x-rewrite-url, x-http-method-override, x-http-method, x-method-override]
{{- end }}
