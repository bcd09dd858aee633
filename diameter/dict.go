package diameter

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"

	"github.com/fiorix/go-diameter/v4/diam/datatype"
	"github.com/fiorix/go-diameter/v4/diam/dict"
)

const vendor3GPP = 10415

// AVPDefinition is what a Dictionary knows of an AVP.
type AVPDefinition struct {
	Code   uint32
	Vendor uint32
	Name   string
	Type   datatype.TypeID
	// Mandatory: senders set the M bit.
	Mandatory bool
}

type avpKey struct{ code, vendor uint32 }

// Dictionary tells the types of AVPs, by application, code and vendor, and
// never by code alone. It does not change once it is made, and is safe for
// concurrent use.
//
// An AVP that the application does not define is looked up in the base
// protocol.
type Dictionary struct {
	base map[avpKey]AVPDefinition
	apps map[uint32]map[avpKey]AVPDefinition // with those of base
	// parser is what the messages made with the dictionary refer to for names;
	// nil is go-diameter's default.
	parser *dict.Parser
	// grouped holds a function for each application, made in advance.
	grouped map[uint32]func(code, vendor uint32) bool
}

// defaultDefinitions are the tables, by application.
func defaultDefinitions() map[uint32][]AVPDefinition {
	return map[uint32][]AVPDefinition{applicationBase: baseAVPs, swxApplication: swxAVPs, gyApplication: gyAVPs}
}

// DefaultDictionary returns the dictionary of the base protocol, SWx and Gy.
func DefaultDictionary() *Dictionary { return defaultDictionary() }

var defaultDictionary = sync.OnceValue(func() *Dictionary {
	return newDictionary(defaultDefinitions(), nil)
})

// NewDictionary returns the default dictionary with additions: XML documents in
// the format of go-diameter. What they define again, they redefine. They are
// read by a parser of their own; messages decoded with the dictionary find
// names there.
func NewDictionary(documents ...io.Reader) (*Dictionary, error) {
	defs := defaultDefinitions()
	if len(documents) == 0 {
		return newDictionary(defs, nil), nil
	}
	p, err := dict.NewParser()
	if err != nil {
		return nil, fmt.Errorf("diameter: dictionary: %w", err)
	}
	for i, d := range documents {
		if err := p.Load(d); err != nil {
			return nil, fmt.Errorf("diameter: dictionary: document %d: %w", i, err)
		}
	}
	for app, list := range definitionsOf(p) {
		defs[app] = append(defs[app][:len(defs[app]):len(defs[app])], list...)
	}
	return newDictionary(defs, p), nil
}

// definitionsOf lists what a parser has loaded.
func definitionsOf(p *dict.Parser) map[uint32][]AVPDefinition {
	defs := make(map[uint32][]AVPDefinition)
	for _, app := range p.Apps() {
		list := defs[app.ID]
		for _, a := range app.AVP {
			list = append(list, AVPDefinition{
				Code: a.Code, Vendor: a.VendorID, Name: a.Name, Type: a.Data.Type,
				Mandatory: strings.Contains(a.Must, "M"),
			})
		}
		defs[app.ID] = list
	}
	return defs
}

func newDictionary(defs map[uint32][]AVPDefinition, p *dict.Parser) *Dictionary {
	d := &Dictionary{
		base:    make(map[avpKey]AVPDefinition),
		apps:    make(map[uint32]map[avpKey]AVPDefinition),
		grouped: make(map[uint32]func(code, vendor uint32) bool),
		parser:  p,
	}
	for _, a := range defs[applicationBase] {
		d.base[avpKey{a.Code, a.Vendor}] = a
	}
	for app, list := range defs {
		if app == applicationBase {
			continue
		}
		m := maps.Clone(d.base)
		for _, a := range list {
			m[avpKey{a.Code, a.Vendor}] = a
		}
		d.apps[app] = m
		d.grouped[app] = groupedFunc(m)
	}
	d.grouped[applicationBase] = groupedFunc(d.base)
	return d
}

func groupedFunc(m map[avpKey]AVPDefinition) func(code, vendor uint32) bool {
	set := make(map[avpKey]struct{})
	for k, a := range m {
		if a.Type == datatype.GroupedType {
			set[k] = struct{}{}
		}
	}
	return func(code, vendor uint32) bool {
		_, ok := set[avpKey{code, vendor}]
		return ok
	}
}

// Find returns the definition of an AVP in an application.
func (d *Dictionary) Find(app, code, vendor uint32) (AVPDefinition, bool) {
	a, ok := d.of(app)[avpKey{code, vendor}]
	return a, ok
}

func (d *Dictionary) of(app uint32) map[avpKey]AVPDefinition {
	if m, ok := d.apps[app]; ok {
		return m
	}
	return d.base
}

func (d *Dictionary) groupedIn(app uint32) func(code, vendor uint32) bool {
	if f, ok := d.grouped[app]; ok {
		return f
	}
	return d.grouped[applicationBase]
}

// isBaseAVP reports whether the base protocol defines the AVP of vendor 0.
func isBaseAVP(code uint32) bool {
	_, ok := DefaultDictionary().base[avpKey{code, 0}]
	return ok
}

// minimumLen returns the least length of an AVP's data by its type, in any
// application of the default dictionary.
func minimumLen(code, vendor uint32) int {
	a, ok := DefaultDictionary().Find(swxApplication, code, vendor)
	if !ok {
		return 0
	}
	switch a.Type {
	case datatype.Unsigned32Type, datatype.Integer32Type, datatype.EnumeratedType, datatype.TimeType, datatype.Float32Type:
		return 4
	case datatype.Unsigned64Type, datatype.Integer64Type, datatype.Float64Type:
		return 8
	case datatype.AddressType:
		return 6
	default:
		return 0
	}
}
