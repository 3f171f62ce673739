package command

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/sallyport-gateway/sallyport/filter/internal/config"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the configuration, for editors",
		Long: `Schema prints the JSON Schema (draft 7) of the configuration, made from what the filter's own loader knows. With it an editor
completes and explains members while you write. The filter refuses whatever it refuses; only 'sallyport check' sees whether
members fit together.

For editors with the YAML language server, the first line of the configuration names the schema:
  # yaml-language-server: $schema=sallyport.schema.json`,
		Example: `  sallyport schema > sallyport.schema.json`,
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			e := json.NewEncoder(c.OutOrStdout())
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			return e.Encode(config.ConfigSchema())
		},
	}
}
