package strictyaml_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/examples/internal/strictyaml"
)

type sample struct {
	Name   string            `yaml:"name"`
	Wait   time.Duration     `yaml:"wait"`
	Count  int               `yaml:"count"`
	On     bool              `yaml:"on"`
	Peers  []peer            `yaml:"peers"`
	Words  []string          `yaml:"words"`
	Digits map[string]string `yaml:"digits"`
	Inner  struct {
		Secret string `yaml:"secret"`
	} `yaml:"inner"`
}

type peer struct {
	Host string `yaml:"host"`
	Port int    `yaml:"port"`
}

func TestDecode(t *testing.T) {
	v := sample{Count: 7, Wait: time.Second}
	src, err := strictyaml.Decode("f.yaml", []byte(strings.Join([]string{
		"# a comment",
		"name: 007",
		"on: true",
		"peers:",
		"  - host: a.example",
		"    port: 3868",
		"  - host: b.example",
		"words: [x, 'y z', 1.50]",
		`digits: {"8": aka, 9: aka-prime}`,
		"inner:",
		"  secret: |-",
		"    two",
		"    lines",
		"wait:",
	}, "\n")), &v)
	require.NoError(t, err)
	want := sample{
		Name: "007", Count: 7, Wait: time.Second, On: true,
		Peers:  []peer{{"a.example", 3868}, {"b.example", 0}},
		Words:  []string{"x", "y z", "1.50"},
		Digits: map[string]string{"8": "aka", "9": "aka-prime"},
	}
	want.Inner.Secret = "two\nlines"
	require.Equal(t, want, v)

	require.True(t, src.Has("peers[0].port"))
	require.False(t, src.Has("peers[1].port"))
	require.EqualError(t, src.Errorf("peers[1].port", "missing"), "f.yaml:7: peers[1].port: missing")
	require.EqualError(t, src.Errorf("inner.secret", "too short"), "f.yaml:11: inner.secret: too short")
	require.EqualError(t, src.Errorf("nowhere", "missing"), "f.yaml: nowhere: missing")
}

func TestDecodeEmpty(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "~\n"} {
		v := sample{Count: 7}
		_, err := strictyaml.Decode("f.yaml", []byte(text), &v)
		require.NoError(t, err, "%q", text)
		require.Equal(t, 7, v.Count)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", "name: x\ncolour: red\n", "f.yaml:2: colour: unknown key"},
		{"unknown inner key", "inner:\n  secrt: x\n", "f.yaml:2: inner.secrt: unknown key"},
		{"unknown key in a list", "peers:\n- host: a\n- hots: b\n", "f.yaml:3: peers[1].hots: unknown key"},
		{"duration without unit", "wait: 3\n", "f.yaml:1: wait: must be a duration with its unit, such as 500ms, 3s or 2m"},
		{"duration of a list", "wait: [3s]\n", "f.yaml:1: wait: must be a duration such as 500ms, 3s or 2m"},
		{"word for a number", "\ncount: many\n", "f.yaml:2: count: must be a whole number"},
		{"fraction", "count: 1.5\n", "f.yaml:1: count: must be a whole number"},
		{"hexadecimal", "count: 0x10\n", "f.yaml:1: count: must be a whole decimal number"},
		{"word for a truth", "on: yes\n", "f.yaml:1: on: must be true or false"},
		{"mapping for a text", "name: {a: b}\n", "f.yaml:1: name: must be a text"},
		{"scalar for a list", "peers: a\n", "f.yaml:1: peers: must be a list"},
		{"scalar for a mapping", "inner: a\n", "f.yaml:1: inner: must be a mapping of keys to values"},
		{"list for the document", "- a\n", "f.yaml:1: must be a mapping of keys to values"},
		{"alias", "name: &a x\nwords: [*a]\n", "f.yaml:1: name: anchors, aliases, merge keys and tags are not supported\n" +
			"f.yaml:2: words[0]: anchors, aliases, merge keys and tags are not supported"},
		{"merge key", "inner:\n  <<: x\n", "f.yaml:2: inner: has a key that is not a plain word"},
		{"tag", "count: !!int 5\n", "f.yaml:1: count: anchors, aliases, merge keys and tags are not supported"},
		{"two documents", "name: a\n---\nname: b\n", "f.yaml:3: a second document in one file"},
		{"repeated key", "name: a\nname: b\n", `f.yaml:2: not valid YAML: mapping key "name" already defined at [1:1]`},
		{"open bracket", "words: [a\n", "f.yaml:1: not valid YAML: sequence end token ']' not found"},
		{"tab", "inner:\n\tsecret: a\n", "f.yaml:2: not valid YAML: found character '\t' that cannot start any token"},
		{"several", "colour: red\ncount: x\n", "f.yaml:1: colour: unknown key\nf.yaml:2: count: must be a whole number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var v sample
			_, err := strictyaml.Decode("f.yaml", []byte(tc.text), &v)
			require.EqualError(t, err, tc.want)
		})
	}
}

// No message shows what a secret is, however wrong its place or form.
func TestErrorsHoldNoValue(t *testing.T) {
	for _, text := range []string{
		"inner:\n  secret: {hunter2: x}\n",
		"inner:\n  secret: [hunter2]\n",
		"count: hunter2\n",
		"wait: hunter2\n",
		"on: hunter2\n",
		"inner: hunter2\n",
	} {
		var v sample
		_, err := strictyaml.Decode("f.yaml", []byte(text), &v)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("name: x\npeers:\n- host: a\n  port: 1\n")
	f.Add("digits: {8: aka}\nwait: 3s\n")
	f.Add("? [a]\n: b\n")
	f.Fuzz(func(t *testing.T, text string) {
		var v sample
		_, _ = strictyaml.Decode("f.yaml", []byte(text), &v)
	})
}

// Sections of others are skipped, whatever is in them; within one's own nothing
// is.
func TestDecodeSections(t *testing.T) {
	var v struct {
		Inner struct {
			Secret string `yaml:"secret"`
		} `yaml:"inner"`
	}
	_, err := strictyaml.DecodeSections("f", []byte("other: {a: [1, {b: c}]}\ninner: {secret: x}\n"), &v)
	require.NoError(t, err)
	require.Equal(t, "x", v.Inner.Secret)
	_, err = strictyaml.DecodeSections("f", []byte("inner: {secrte: x}\n"), &v)
	require.EqualError(t, err, "f:1: inner.secrte: unknown key")
}
