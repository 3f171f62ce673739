package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// Bounds of the files that are read: far above what is useful, yet below what would hurt.
const (
	maxModule = 256 << 20
	maxConfig = 16 << 20
	maxAnswer = 1 << 20
	maxBody   = 64 << 20
)

// readFile reads a file of at most limit bytes. The message of an error ends with remedy.
func readFile(what, path string, limit int64, remedy string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w: %s", what, path, cause(err), remedy)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("read %s %s: it is a folder: %s", what, path, remedy)
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w: %s", what, path, cause(err), remedy)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %s %s: it has more than %d bytes: %s", what, path, limit, remedy)
	}
	return data, nil
}

// cause is err without the path, which the message already has.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

func readModule(path string) ([]byte, error) {
	return readFile("module", path, maxModule, "give the .wasm file that your compiler made")
}

// readConfig reads a plugin configuration. YAML becomes JSON; everything else goes to the guest as it is.
func readConfig(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := readFile("configuration", path, maxConfig, "give the plugin's configuration as a .yaml or .json file")
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		if data, err = yaml.YAMLToJSONStrict(data); err != nil {
			return nil, fmt.Errorf("read configuration %s: %w: fix the YAML, or name the file .json if it is not YAML", path, err)
		}
	}
	return data, nil
}
