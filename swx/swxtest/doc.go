// Package swxtest has an HSS for tests and laboratories: a real Diameter node
// on real TCP, with subscribers whose vectors a real authentication centre
// computes, and faults to order.
//
//	hss, err := swxtest.New(swxtest.Config{})
//	if err != nil { … }
//	defer hss.Close()
//	addr, err := hss.Listen("127.0.0.1:0")
//	err = hss.Add(swxtest.Subscriber{IMSI: imsi, K: k, OPc: opc})
//
//	// He is registered at the AAA server; now he is barred, and then gone.
//	err = hss.EditProfile(imsi, func(p *swx.UserData) { p.Access = swx.AccessBarred })
//	code, err := hss.Push(ctx, imsi)
//	code, err = hss.Terminate(ctx, imsi, swx.ReasonPermanentTermination)
//
//	// The next two requests stay unanswered, then one is told to come later.
//	hss.Inject(swxtest.Fault{Silent: true, Times: 2})
//	hss.Inject(swxtest.Fault{ResultCode: 3004, Times: 1})
//
// It is as strict as TS 29.273 with what it is asked, so that a client that it
// answers is fit for others; and what others answer against the standard can
// be had with a [Fault], or for good with Config.Dialect.
//
// Several HSSes in a process share a data base with Config.Twin; in several
// processes they share a sequence of numbers with [ClockSQN].
package swxtest
