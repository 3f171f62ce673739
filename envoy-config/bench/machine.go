package bench

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine describes this machine as far as that can be found out.
func machine(ctx context.Context, envoy string) Machine {
	m := Machine{CPU: "unknown", Cores: runtime.NumCPU(), Kernel: "unknown", Envoy: "unknown"}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = cpuName(string(text))
	}
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(text))
	}
	if out, err := exec.CommandContext(ctx, envoy, "--version").Output(); err == nil {
		m.Envoy = envoyVersion(string(out))
	}
	return m
}

func cpuName(cpuinfo string) string {
	for line := range strings.Lines(cpuinfo) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// envoyVersion reads "… version: HASH/1.40.0/Clean/RELEASE/BoringSSL".
func envoyVersion(out string) string {
	_, version, _ := strings.Cut(out, "version: ")
	parts := strings.Split(version, "/")
	if len(parts) < 2 {
		return strings.TrimSpace(out)
	}
	return parts[1]
}
