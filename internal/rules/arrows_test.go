package rules

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A rule says what one package may import beside the standard library.
type rule struct {
	// own are packages of this module, by their path inside it.
	own []string
	// others are packages of other modules; "x/..." stands for all below x.
	others []string
	// deep applies others to everything that the package brings in, not only
	// to what it names itself.
	deep bool
}

const (
	layeh    = "layeh.com/radius/..."
	diam     = "github.com/fiorix/go-diameter/v4/..."
	bytecode = "golang.org/x/crypto/cryptobyte/..."
)

// arrows are the import rules of docs/design.md. A package that is not here
// is a new arrow in the design: give it its line, and a word in the document.
// What lies below an internal folder follows the rule of the package that the
// folder belongs to, and may be imported by it.
var arrows = map[string]rule{
	"milenage":      {others: []string{bytecode}, deep: true},
	"milenage/tuak": {own: []string{"milenage"}, others: []string{bytecode}, deep: true},
	"keyring":       {others: []string{bytecode}, deep: true},

	"eap":               {others: []string{bytecode}, deep: true},
	"aka":               {own: []string{"eap", "keyring"}, others: []string{bytecode}, deep: true},
	"aka/akatest":       {own: []string{"aka", "eap", "keyring"}, others: []string{bytecode}, deep: true},
	"aka/auc":           {own: []string{"aka", "eap", "keyring", "milenage", "milenage/tuak"}, others: []string{bytecode}, deep: true},
	"eap/eaptest":       {own: []string{"aka", "eap", "keyring", "milenage", "milenage/tuak"}, others: []string{bytecode}, deep: true},
	"eap/eapradius":     {own: []string{"eap", "radius", "keyring"}, others: []string{bytecode, layeh}},
	"radius":            {others: []string{bytecode, layeh, "golang.org/x/net/...", "golang.org/x/sys/..."}},
	"radius/proxy":      {own: []string{"radius"}, others: []string{bytecode, layeh}},
	"radius/radiustest": {own: []string{"radius", "eap", "eap/eaptest", "aka", "milenage"}, others: []string{layeh, "golang.org/x/net/...", "golang.org/x/sys/..."}},

	"diameter/wire":         {deep: true},
	"diameter":              {own: []string{"diameter/wire"}, others: []string{bytecode, diam}},
	"diameter/diametertest": {own: []string{"diameter", "diameter/wire"}},
	"swx":                   {own: []string{"diameter", "diameter/wire", "aka", "eap", "internal/dict"}, others: []string{bytecode, diam}},
	"swx/swxtest":           {own: []string{"swx", "diameter", "diameter/wire", "aka", "aka/auc", "eap", "milenage", "internal/faulttest"}, others: []string{diam}},
	"gy":                    {own: []string{"diameter", "diameter/wire", "internal/dict"}, others: []string{bytecode, diam}},
	"gy/gytest":             {own: []string{"gy", "diameter", "diameter/wire", "internal/faulttest"}, others: []string{diam}},

	"session":             {},
	"session/sessiontest": {own: []string{"session"}, others: []string{"github.com/stretchr/testify/..."}},
	"session/class":       {own: []string{"session", "keyring"}, others: []string{bytecode}},
	"session/gateway":     {own: []string{"session", "session/class", "accounting", "keyring", "diameter/wire", "radius", "swx", "gy", "aka", "eap", "eap/eapradius", "diameter"}, others: []string{bytecode, layeh}},
	"accounting":          {own: []string{"radius", "session", "session/class"}, others: []string{bytecode, layeh}},

	"internal/faulttest":  {own: []string{"diameter", "diameter/wire"}},
	"internal/dict":       {own: []string{"diameter/wire"}, deep: true},
	"internal/sampletest": {own: []string{"diameter/wire"}, others: []string{"github.com/stretchr/testify/..."}},
	"internal/rules":      {},
}

// isKit tells a test kit (package radiustest beside package radius) by its
// name.
func isKit(importPath string) bool {
	return strings.HasPrefix(importPath, modulePath+"/") && strings.HasSuffix(path.Base(importPath), "test")
}

// owner returns the package whose rule p follows.
func owner(p string) string {
	if i := strings.Index(p, "/internal"); i >= 0 {
		return p[:i]
	}
	return p
}

func (r rule) allows(pkg, imported string) bool {
	if own, ok := strings.CutPrefix(imported, modulePath+"/"); ok {
		return owner(own) == owner(pkg) || slices.Contains(r.own, owner(own))
	}
	return slices.ContainsFunc(r.others, func(pattern string) bool {
		below, all := strings.CutSuffix(pattern, "/...")
		return imported == below || all && strings.HasPrefix(imported, below+"/")
	})
}

// isStandard tells the standard library, whose paths have no dot in their
// first part.
func isStandard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}

func TestImportArrows(t *testing.T) {
	for _, p := range goList(t, root(t)) {
		t.Run(p.within(), func(t *testing.T) {
			r, known := arrows[owner(p.within())]
			require.True(t, known, "the package has no rule: see arrows in this file")
			for _, imported := range p.Imports {
				if !isStandard(imported) {
					require.True(t, r.allows(p.within(), imported), "%s must not import %s", p.ImportPath, imported)
				}
			}
			if !r.deep {
				return
			}
			for _, dep := range p.Deps {
				if !isStandard(dep) {
					require.True(t, r.allows(p.within(), dep), "%s must not need %s", p.ImportPath, dep)
				}
			}
		})
	}
}

// TestKitsStayInTests: a library package that imports a test kit would bring
// simulators, and package testing, into every product.
func TestKitsStayInTests(t *testing.T) {
	for _, p := range goList(t, root(t)) {
		if isKit(p.ImportPath) {
			continue
		}
		for _, imported := range p.Imports {
			require.False(t, isKit(imported), "%s imports the test kit %s", p.ImportPath, imported)
		}
	}
}

// TestLibrariesAreQuiet: no library package brings a web server, exported
// variables or package testing into the program that imports it.
func TestLibrariesAreQuiet(t *testing.T) {
	unwanted := []string{"net/http", "expvar", "testing"}
	for _, p := range goList(t, root(t)) {
		if isKit(p.ImportPath) {
			continue
		}
		for _, dep := range p.Deps {
			require.NotContains(t, unwanted, dep, "%s brings in %s", p.ImportPath, dep)
		}
	}
}

// TestRulesCanFail: the helpers above tell the difference that the rules rest
// on.
func TestRulesCanFail(t *testing.T) {
	r := rule{own: []string{"eap"}, others: []string{bytecode}}
	require.True(t, r.allows("aka", modulePath+"/eap"))
	require.True(t, r.allows("aka", modulePath+"/aka/internal/prf"))
	require.True(t, r.allows("aka", "golang.org/x/crypto/cryptobyte/asn1"))
	require.False(t, r.allows("aka", modulePath+"/eap/eapradius"))
	require.False(t, r.allows("aka", modulePath+"/radius"))
	require.False(t, r.allows("aka", "golang.org/x/crypto/ssh"))
	require.False(t, r.allows("aka", "layeh.com/radius"))
	require.True(t, isKit(modulePath+"/swx/swxtest"))
	require.False(t, isKit("net/http/httptest"))
	require.True(t, isStandard("crypto/md5"))
	require.False(t, isStandard("layeh.com/radius"))
}
