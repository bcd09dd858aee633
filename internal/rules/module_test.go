package rules

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allowed are the modules that the root module may require: who imports one
// package of it takes these and no more.
var allowed = map[string]bool{ // true: as an indirect requirement only
	"github.com/fiorix/go-diameter/v4": false,
	"layeh.com/radius":                 false,
	"golang.org/x/crypto":              false,
	"github.com/stretchr/testify":      false,
	"golang.org/x/net":                 false,
	"golang.org/x/sys":                 false,
	"golang.org/x/sync":                false,
	"github.com/ishidawataru/sctp":     true, // go-diameter's
}

// testOnly are what testify needs; nothing of it is linked into a product.
var testOnly = []string{
	"github.com/davecgh/go-spew", "github.com/pmezard/go-difflib",
	"gopkg.in/yaml.v3", "go.yaml.in/yaml/v3",
}

func TestRootModuleRequirements(t *testing.T) {
	var mod struct {
		Require []struct {
			Path     string
			Version  string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
	}
	require.NoError(t, json.Unmarshal(goTool(t, root(t), "mod", "edit", "-json"), &mod))
	require.NotEmpty(t, mod.Require)
	require.Empty(t, mod.Replace, "a replace in the root module does not reach who imports it")
	for _, r := range mod.Require {
		if r.Indirect && slices.Contains(testOnly, r.Path) {
			continue
		}
		indirectOnly, ok := allowed[r.Path]
		require.True(t, ok, "the root module must not require %s", r.Path)
		require.True(t, r.Indirect || !indirectOnly, "%s must stay an indirect requirement", r.Path)
		if r.Path == "github.com/fiorix/go-diameter/v4" {
			require.Equal(t, "v4.1.0", r.Version)
		}
	}
}

// TestEveryPackageHasItsDoc: libraries keep it in doc.go; a program may have
// it above its main function.
func TestEveryPackageHasItsDoc(t *testing.T) {
	for _, dir := range append(nestedModules(t), root(t)) {
		for _, p := range goList(t, dir) {
			if len(p.GoFiles) == 0 {
				continue // a package of tests only
			}
			require.NotEmpty(t, p.Doc, "%s has no package comment", p.ImportPath)
			if p.Name != "main" && !strings.Contains(p.ImportPath, "/examples/") {
				require.Contains(t, p.GoFiles, "doc.go", "%s has no doc.go", p.ImportPath)
			}
		}
	}
}

// TestWorkspaceNamesEveryModule: what go.work forgets, `go test work` skips.
func TestWorkspaceNamesEveryModule(t *testing.T) {
	var work struct{ Use []struct{ DiskPath string } }
	require.NoError(t, json.Unmarshal(goTool(t, root(t), "work", "edit", "-json", filepath.Join(root(t), "go.work")), &work))
	var used []string
	for _, u := range work.Use {
		used = append(used, filepath.Join(root(t), u.DiskPath))
	}
	require.ElementsMatch(t, append(nestedModules(t), root(t)), used)
}
