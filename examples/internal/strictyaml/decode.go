package strictyaml

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Decode reads the YAML document data, of the file called name, into the
// struct that v points to. Fields are named by their yaml tag; a field whose
// key is not in the file keeps the value that it has, so that defaults are
// set before. Fields may be strings, booleans, integers, time.Duration,
// structs, slices of these, and maps from string to string.
//
// The error joins an [*Error] for each mistake. The Source is returned with
// an error too, as far as the document could be read.
func Decode(name string, data []byte, v any) (*Source, error) { return decode(name, data, v, false) }

// DecodeSections is Decode for a part of the document: keys of its first level
// that v has no field for are skipped, with all that is in them.
func DecodeSections(name string, data []byte, v any) (*Source, error) {
	return decode(name, data, v, true)
}

func decode(name string, data []byte, v any, sections bool) (*Source, error) {
	src := &Source{file: name, lines: make(map[string]int)}
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return src, syntaxError(name, err)
	}
	d := decoder{src: src, sections: sections}
	switch {
	case len(file.Docs) > 1:
		d.errs = append(d.errs, &Error{File: name, Line: documentLine(file.Docs[1]), Message: "a second document in one file"})
	case len(file.Docs) == 1 && file.Docs[0].Body != nil && file.Docs[0].Body.Type() != ast.CommentType:
		d.value("", file.Docs[0].Body, reflect.ValueOf(v).Elem())
	}
	return src, errors.Join(d.errs...)
}

func syntaxError(name string, err error) error {
	e := &Error{File: name, Message: "not valid YAML"}
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		e.Line = at.GetToken().Position.Line
		e.Message = "not valid YAML: " + at.GetMessage()
	}
	return e
}

type decoder struct {
	src      *Source
	sections bool // other keys of the first level are not ours
	errs     []error
}

func (d *decoder) fail(key string, n ast.Node, format string, args ...any) {
	d.errs = append(d.errs, &Error{
		File: d.src.file, Line: line(n), Key: key, Message: fmt.Sprintf(format, args...),
	})
}

func line(n ast.Node) int {
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}

// documentLine is the line that a document begins on. One without a body has
// no token of its own.
func documentLine(d *ast.DocumentNode) int {
	switch {
	case d.Body != nil:
		return line(d.Body)
	case d.Start != nil && d.Start.Position != nil:
		return d.Start.Position.Line
	}
	return 0
}

var durationType = reflect.TypeFor[time.Duration]()

// value decodes one node into v.
func (d *decoder) value(key string, n ast.Node, v reflect.Value) {
	switch n.Type() {
	case ast.NullType:
		return // a key without a value: the default stays
	case ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType:
		d.fail(key, n, "anchors, aliases, merge keys and tags are not supported")
		return
	}
	if v.Type() == durationType {
		d.duration(key, n, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(key, n, v)
	case reflect.Slice:
		d.slice(key, n, v)
	case reflect.Map:
		d.mapping(key, n, v)
	case reflect.String:
		if s, ok := text(n); ok {
			v.SetString(s)
		} else {
			d.fail(key, n, "must be a text")
		}
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.fail(key, n, "must be true or false")
		}
	case reflect.Int, reflect.Int64:
		d.integer(key, n, v)
	default:
		panic("strictyaml: field of unsupported type " + v.Type().String())
	}
}

// text returns the characters of a scalar as they stand in the file.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

func (d *decoder) duration(key string, n ast.Node, v reflect.Value) {
	s, ok := text(n)
	if !ok {
		d.fail(key, n, "must be a duration such as 500ms, 3s or 2m")
		return
	}
	dur, err := time.ParseDuration(s)
	if err != nil {
		d.fail(key, n, "must be a duration with its unit, such as 500ms, 3s or 2m")
		return
	}
	v.SetInt(int64(dur))
}

func (d *decoder) integer(key string, n ast.Node, v reflect.Value) {
	if n.Type() != ast.IntegerType {
		d.fail(key, n, "must be a whole number")
		return
	}
	// Not the node's value: YAML 1.1 reads 010 as eight.
	i, err := strconv.ParseInt(n.GetToken().Value, 10, v.Type().Bits())
	if err != nil {
		d.fail(key, n, "must be a whole decimal number")
		return
	}
	v.SetInt(i)
}

// pairs returns the key and value nodes of a mapping.
func (d *decoder) pairs(key string, n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	default:
		d.fail(key, n, "must be a mapping of keys to values")
		return nil
	}
}

// name notes where a key is and returns its path.
func (d *decoder) name(parent string, pair *ast.MappingValueNode) (name, path string, ok bool) {
	name, ok = text(pair.Key)
	if !ok {
		d.fail(parent, pair.Key, "has a key that is not a plain word")
		return "", "", false
	}
	path = name
	if parent != "" {
		path = parent + "." + name
	}
	d.src.lines[path] = line(pair.Key)
	return name, path, true
}

func (d *decoder) structure(key string, n ast.Node, v reflect.Value) {
	for _, pair := range d.pairs(key, n) {
		name, path, ok := d.name(key, pair)
		if !ok {
			continue
		}
		field, ok := fieldByTag(v, name)
		switch {
		case ok:
			d.value(path, pair.Value, field)
		case key != "" || !d.sections:
			d.fail(path, pair.Key, "unknown key")
		}
	}
}

func fieldByTag(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func (d *decoder) slice(key string, n ast.Node, v reflect.Value) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(key, n, "must be a list")
		return
	}
	list := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, item := range seq.Values {
		path := fmt.Sprintf("%s[%d]", key, i)
		d.src.lines[path] = line(item)
		d.value(path, item, list.Index(i))
	}
	v.Set(list)
}

func (d *decoder) mapping(key string, n ast.Node, v reflect.Value) {
	m := reflect.MakeMap(v.Type())
	for _, pair := range d.pairs(key, n) {
		name, path, ok := d.name(key, pair)
		if !ok {
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(path, pair.Value, item)
		m.SetMapIndex(reflect.ValueOf(name), item)
	}
	v.Set(m)
}
