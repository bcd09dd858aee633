// Package faulttest is what the simulators of Diameter servers (swx/swxtest,
// gy/gytest) share to let answers go wrong: a [Queue] of the faults that were
// ordered, a [Line] that strikes answers where they are written, and the
// rewrites that fit every application.
//
//	type OCS struct {
//		faults faulttest.Queue[Fault]
//		line   faulttest.Line
//	}
//
//	o.line.WrapDials(&cfg.Node)                 // before diameter.NewNode
//	err := o.node.Serve(o.line.Listener(l))
//
//	o.faults.Add(f, f.Times)                    // the test orders it
//
//	f, struck := o.faults.Next(matches)         // the handler has an answer
//	if struck {
//		return o.line.Rewrite(answer, faulttest.Twice), nil
//	}
//
// For scripted conversations, message by message, there is
// diameter/diametertest. This package does not import package testing, so that
// a simulator can be a program.
package faulttest
