package gy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/diameter/wire"
)

// No answer to the first request, by failure handling.
func TestInitialWithoutAnswer(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*Config)
		at10    Service // when Tx expires
		at120   Service // when no answer is awaited any longer
		reason  EndReason
		done    bool
		retries bool
	}{
		{"TERMINATE", nil, ServiceRefused, ServiceUnchanged, EndFailure, true, false},
		{"CONTINUE", continuing, ServiceGranted, ServiceUnchanged, EndNone, false, true},
		{"RETRY_AND_TERMINATE", retrying, ServiceGranted, ServiceEnded, EndFailure, false, false},
		{"blocked by configuration", func(c *Config) { continuing(c); c.Block = true }, ServiceRefused, ServiceUnchanged, EndFailure, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := begin(t, c.change)
			x.start()
			x.advance(9 * time.Second)
			x.wantService(ServiceUnchanged, EndNone)
			x.advance(time.Second)
			require.Equal(t, c.at10, x.service)
			x.service = 0
			require.False(t, x.out.Done)
			x.advance(110 * time.Second)
			require.Equal(t, c.at120, x.service)
			x.wantState(Idle)
			require.Equal(t, c.done, x.out.Done)
			require.Equal(t, c.retries, c.name == "CONTINUE" && !x.out.Deadline.IsZero())
		})
	}
}

// A late answer counts.
func TestLateAnswer(t *testing.T) {
	t.Run("service granted meanwhile", func(t *testing.T) {
		x := begin(t, retrying)
		x.start()
		x.advance(10 * time.Second)
		x.wantService(ServiceGranted, EndNone)
		x.use(mega, 20)
		x.advance(30 * time.Second)
		x.answer(grant(10 * mega))
		x.wantState(Open)
		x.use(8*mega, 60)
		x.wantSend(RequestUpdate, 1)
		x.wantUsed(8 * mega)
	})
	t.Run("service refused: what is reserved is given back", func(t *testing.T) {
		x := begin(t, nil)
		x.start()
		x.advance(10 * time.Second)
		x.wantService(ServiceRefused, EndFailure)
		x.answer(grant(10 * mega))
		x.wantService(ServiceUnchanged, EndNone)
		x.wantSend(RequestTermination, 1)
		x.result(ResultSuccess)
		require.True(t, x.out.Done)
	})
	t.Run("service ended", func(t *testing.T) {
		x := opened(t, mega, nil)
		x.use(mega, 10)
		x.advance(10 * time.Second)
		x.wantService(ServiceEnded, EndFailure)
		x.stop(2*mega, 12)
		x.wantIdle()
		x.answer(grant(mega))
		x.wantSend(RequestTermination, 2)
		x.wantUsed(mega)
		x.result(ResultSuccess)
		require.True(t, x.out.Done)
		x.wantAccount(2*mega, 2*mega, 0, 0)
	})
	t.Run("of another request", func(t *testing.T) {
		x := opened(t, mega, nil)
		x.use(mega, 10)
		a := grant(mega)
		x.step(x.s.Answer(x.now, x.s.request.seq-1, &a))
		x.wantState(PendingU)
		x.step(x.s.Fail(x.now, x.s.request.seq-1, FailureLost))
		x.wantState(PendingU)
		require.True(t, x.s.request.inHand)
	})
}

// CONTINUE: the service goes on, its usage is reported when the server is
// back, by the same request first.
func TestContinue(t *testing.T) {
	x := opened(t, 10*mega, continuing)
	x.use(8*mega, 60)
	x.wantSend(RequestUpdate, 1)
	first := x.request()
	x.advance(10 * time.Second)
	x.wantState(PendingU)
	x.wantService(ServiceUnchanged, EndNone)
	x.use(20*mega, 120)
	x.advance(110 * time.Second)
	x.fail(FailureTimeout)
	x.wantState(Idle)
	x.wantService(ServiceUnchanged, EndNone)
	x.use(30*mega, 130)
	x.wantIdle()
	for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
		require.Equal(t, wait, x.out.Deadline.Sub(x.now).Round(time.Second))
		x.advance(wait)
		ccr := x.wantSend(RequestUpdate, 1)
		require.True(t, ccr.Retransmitted)
		again := x.request()
		again.SetFlags(again.Header().Flags &^ wire.FlagRetransmitted)
		require.Equal(t, first, again, "the same request, octet by octet")
		x.fail(FailureTimeout)
		x.wantState(Idle)
	}
	x.advance(4 * time.Minute)
	x.wantSend(RequestUpdate, 1)
	x.answer(grant(10 * mega))
	x.wantSend(RequestUpdate, 2) // what was used meanwhile
	x.wantUsed(22 * mega)
	require.EqualValues(t, 12*mega, x.out.OvershootOctets)
	x.answer(grant(10 * mega))
	x.wantState(Open)
	x.stop(30*mega, 400)
	x.wantSend(RequestTermination, 3)
	x.wantUsed(0)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	x.wantAccount(30*mega, 30*mega, 0, 0)
}

func TestGraceOctets(t *testing.T) {
	x := opened(t, 10*mega, func(c *Config) { continuing(c); c.GraceOctets = 5 * mega })
	x.use(8*mega, 60)
	x.advance(10 * time.Second)
	x.use(13*mega-2, 70)
	x.wantService(ServiceUnchanged, EndNone)
	x.use(13*mega, 71)
	x.wantService(ServiceEnded, EndGrace)
	x.wantState(PendingU)
	x.use(14*mega, 72)
	x.stop(15*mega, 73)
	x.fail(FailureTimeout)
	x.advance(30 * time.Second)
	x.wantSend(RequestUpdate, 1)
	x.answer(grant(mega))
	x.wantSend(RequestTermination, 2)
	x.wantUsed(7 * mega)
}

func TestGraceTime(t *testing.T) {
	x := begin(t, func(c *Config) { continuing(c); c.GraceTime = 3 * time.Minute })
	x.start()
	x.fail(FailureNotSent)
	x.wantService(ServiceGranted, EndNone)
	for range 20 {
		if x.out.Deadline.IsZero() || x.service == ServiceEnded {
			break
		}
		x.advance(x.out.Deadline.Sub(x.now))
		if x.out.Send {
			x.fail(FailureNotSent)
		}
	}
	x.wantService(ServiceEnded, EndGrace)
	require.Equal(t, 3*time.Minute, x.now.Sub(time.Unix(1700000000, 0)))
}

func TestUnlimitedGrace(t *testing.T) {
	x := begin(t, func(c *Config) { continuing(c); c.GraceTime, c.GraceOctets = -1, -1 })
	x.start()
	x.fail(FailureNotSent)
	x.now = x.now.Add(1000 * time.Hour)
	x.use(1<<40, 1)
	require.NotEqual(t, ServiceEnded, x.service)
}

// A request that was never sent has no T bit; one that may have been has.
func TestRetransmittedBit(t *testing.T) {
	x := begin(t, continuing)
	x.start()
	require.False(t, x.wantSend(RequestInitial, 0).Retransmitted)
	x.fail(FailureNotSent)
	x.advance(30 * time.Second)
	require.False(t, x.wantSend(RequestInitial, 0).Retransmitted)
	x.fail(FailureLost)
	require.True(t, x.wantSend(RequestInitial, 0).Retransmitted) // at once, once
	x.fail(FailureLost)
	x.wantState(Idle)
}

// The connection is lost while CCR-U is pending: it is sent again within Tx.
func TestConnectionLost(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.use(8*mega, 10)
	for i := range 3 {
		x.wantSend(RequestUpdate, 1)
		require.Equal(t, "ocs1.charging.example.net", string(x.ccr.DestinationHost), "the session must not move")
		x.fail(FailureLost)
		x.wantState(PendingU)
		require.Equal(t, time.Second<<i, x.out.Deadline.Sub(x.now))
		x.advance(time.Second << i)
	}
	x.fail(FailureNotSent)
	x.advance(3 * time.Second)
	x.wantService(ServiceEnded, EndFailure)
	x.wantState(Idle)
}

// Busy and undeliverable: another server, if the session may move.
func TestFailover(t *testing.T) {
	for _, code := range []uint32{ResultUnableToDeliver, ResultTooBusy, ResultLoopDetected} {
		t.Run(ResultName(code), func(t *testing.T) {
			x := begin(t, nil)
			x.start()
			x.result(code) // a new session may always
			x.wantSend(RequestInitial, 0)
			require.False(t, x.ccr.Retransmitted, "an error answer came")
			a := grant(mega)
			a.Failover = FailoverSupported
			x.answer(a)
			x.wantService(ServiceGranted, EndNone)
			x.use(mega, 10)
			require.NotNil(t, x.wantSend(RequestUpdate, 1).DestinationHost)
			x.result(code)
			ccr := x.wantSend(RequestUpdate, 1)
			require.Nil(t, ccr.DestinationHost)
			x.result(code) // the other one as well
			x.wantIdle()
			x.wantService(ServiceEnded, EndFailure)
			require.Equal(t, code, x.out.ResultCode)
		})
	}
	t.Run("not supported", func(t *testing.T) {
		x := opened(t, mega, retrying)
		x.use(mega, 10)
		x.result(ResultTooBusy)
		x.wantIdle()
		x.wantService(ServiceEnded, EndFailure)
	})
	t.Run("supported by configuration", func(t *testing.T) {
		x := opened(t, mega, func(c *Config) { c.Failover = FailoverSupported })
		x.use(mega, 10)
		x.fail(FailureLost)
		x.advance(time.Second)
		require.Nil(t, x.wantSend(RequestUpdate, 1).DestinationHost)
		require.True(t, x.ccr.Retransmitted)
		x.step(x.s.Answer(x.now, x.s.request.seq, &CCA{ResultCode: 2001, OriginHost: []byte("ocs2"), Services: grant(mega).Services}))
		x.use(2*mega, 20)
		require.Equal(t, "ocs2", string(x.wantSend(RequestUpdate, 2).DestinationHost), "the session stays where it went")
	})
}

func TestServerSaysFailureHandling(t *testing.T) {
	x := begin(t, continuing)
	x.start()
	a := grant(mega)
	a.FailureHandling = FailureTerminate
	x.answer(a)
	x.wantService(ServiceGranted, EndNone)
	x.use(mega, 10)
	x.advance(10 * time.Second)
	x.wantService(ServiceEnded, EndFailure)
}

// The server has lost the session: a new one, and nothing is lost.
func TestSessionLost(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.use(8*mega, 10)
	x.result(ResultUnknownSessionID)
	x.wantState(PendingI)
	ccr := x.wantSend(RequestInitial, 0)
	require.Equal(t, "twag1.example.net;1;2;r1", string(ccr.SessionID))
	require.Equal(t, "twag1.example.net;1;2;r1", x.s.SessionID())
	require.Nil(t, ccr.DestinationHost)
	x.answer(grant(10 * mega))
	x.wantService(ServiceUnchanged, EndNone)
	x.wantSend(RequestUpdate, 1) // used before, counted against the new quota
	x.wantUsed(8 * mega)
	x.answer(grant(10 * mega))
	x.stop(9*mega, 20)
	x.wantSend(RequestTermination, 2)
	x.result(ResultSuccess)
	x.wantAccount(9*mega, 9*mega, 0, 0)

	x = opened(t, 10*mega, func(c *Config) { c.TerminateLost = true })
	x.use(8*mega, 10)
	x.result(ResultUnknownSessionID)
	x.wantService(ServiceEnded, EndFailure)
}

func TestLastRequestWithoutAnswer(t *testing.T) {
	closing := func(t *testing.T) *script {
		x := opened(t, 10*mega, nil)
		x.stop(mega, 5)
		x.wantSend(RequestTermination, 1)
		return x
	}
	t.Run("sent again", func(t *testing.T) {
		x := closing(t)
		x.advance(10 * time.Second)
		x.wantState(PendingT)
		x.fail(FailureTimeout)
		x.wantState(Idle)
		require.False(t, x.out.Done)
		x.advance(30 * time.Second)
		require.True(t, x.wantSend(RequestTermination, 1).Retransmitted)
		x.result(ResultSuccess)
		require.True(t, x.out.Done)
	})
	t.Run("the first had closed it", func(t *testing.T) {
		x := closing(t)
		x.fail(FailureLost)
		x.advance(time.Second)
		x.result(ResultUnknownSessionID)
		require.True(t, x.out.Done)
		x.wantAccount(mega, mega, 0, 0)
	})
	t.Run("never known", func(t *testing.T) {
		x := closing(t)
		x.result(ResultUnknownSessionID)
		ccr := x.wantSend(RequestInitial, 0)
		require.Equal(t, "twag1.example.net;1;2;r1", string(ccr.SessionID))
		x.answer(grant(mega))
		x.wantService(ServiceUnchanged, EndNone)
		x.wantSend(RequestTermination, 1)
		x.wantUsed(mega)
		x.result(ResultSuccess)
		require.True(t, x.out.Done)
	})
	t.Run("refused", func(t *testing.T) {
		x := closing(t)
		x.result(ResultUnableToComply)
		require.True(t, x.out.Done)
		x.wantAccount(mega, mega, 0, 0)
	})
	t.Run("written off in the end", func(t *testing.T) {
		x := closing(t)
		x.fail(FailureTimeout)
		end := x.now.Add(24 * time.Hour)
		n := 0
		for !x.out.Done {
			n++
			require.Less(t, n, 1000)
			x.advance(x.out.Deadline.Sub(x.now))
			if x.out.Send {
				x.fail(FailureNotSent)
			}
		}
		require.Equal(t, end, x.now)
		require.EqualValues(t, mega, x.out.WrittenOff)
		x.wantAccount(mega, 0, 0, mega)
	})
}

// Refused at the command's level while the service is on: it ends, and what is
// used until it does is reported.
func TestUpdateRefused(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.use(8*mega, 10)
	x.result(ResultCreditLimitReached)
	x.wantService(ServiceEnded, EndCredit)
	x.wantState(Idle)
	require.False(t, x.out.Done)
	x.advance(30 * time.Second) // nothing to try
	x.wantIdle()
	x.stop(9*mega, 11)
	x.wantSend(RequestTermination, 2)
	x.wantUsed(mega)
	x.result(ResultUnknownSessionID)
	x.wantSend(RequestInitial, 0)
	x.result(ResultCreditLimitReached)
	require.False(t, x.out.Done) // kept
	x.advance(x.out.Deadline.Sub(x.now))
	x.wantSend(RequestInitial, 0)
	require.Equal(t, "twag1.example.net;1;2;r2", string(x.ccr.SessionID))
	x.answer(grant(mega))
	x.wantSend(RequestTermination, 1)
	x.wantUsed(mega)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	x.wantAccount(9*mega, 9*mega, 0, 0)
}

// An update fails under CONTINUE: a new session is tried later.
func TestUpdateFailsUnderContinue(t *testing.T) {
	x := opened(t, 10*mega, continuing)
	x.use(8*mega, 10)
	x.result(ResultRatingFailed)
	x.wantService(ServiceUnchanged, EndNone)
	x.wantState(Idle)
	x.use(20*mega, 20)
	x.advance(30 * time.Second)
	x.wantSend(RequestInitial, 0)
	x.answer(grant(10 * mega))
	x.wantSend(RequestUpdate, 1)
	x.wantUsed(12 * mega) // the 8 were debited, says RFC 8506
}

func TestAnswerThatCannotBeRead(t *testing.T) {
	x := opened(t, mega, nil)
	x.use(mega, 10)
	x.fail(FailureBadAnswer)
	x.wantService(ServiceEnded, EndFailure)
}

// RAR while the service goes on without the server: it is back.
func TestRARWhileContinuing(t *testing.T) {
	x := opened(t, mega, continuing)
	x.use(mega, 10)
	x.fail(FailureTimeout)
	x.wantState(Idle)
	code, out := x.s.Reauthorize(x.now, nil)
	x.step(out)
	require.EqualValues(t, ResultLimitedSuccess, code)
	x.wantSend(RequestUpdate, 1)
}

func TestUserLeavesWhileFirstIsPending(t *testing.T) {
	x := begin(t, continuing)
	x.start()
	x.advance(10 * time.Second)
	x.wantService(ServiceGranted, EndNone)
	x.stop(mega, 5)
	x.wantIdle()
	x.answer(grant(mega))
	x.wantSend(RequestTermination, 1)
	x.wantUsed(mega)
}

func TestRestart(t *testing.T) {
	restart := func(x *script) {
		t.Helper()
		back, err := x.m.Restore(x.s.AppendState(nil))
		require.NoError(t, err)
		x.s = back
		x.step(x.s.Resume(x.now))
	}
	x := opened(t, 10*mega, nil)
	restart(x)
	x.wantIdle()
	x.use(8*mega, 10)
	x.wantSend(RequestUpdate, 1)
	before := x.request()
	x.now = x.now.Add(time.Minute)
	restart(x)
	require.True(t, x.wantSend(RequestUpdate, 1).Retransmitted)
	again := x.request()
	again.SetFlags(before.Header().Flags)
	require.Equal(t, before, again)
	require.Equal(t, x.now.Add(10*time.Second).Unix(), x.out.Deadline.Unix())
	x.answer(grant(10 * mega))
	x.stop(9*mega, 12)
	restart(x)
	x.wantSend(RequestTermination, 2)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)

	t.Run("refused login", func(t *testing.T) {
		x := begin(t, nil)
		x.start()
		x.advance(10 * time.Second)
		x.wantService(ServiceRefused, EndFailure)
		restart(x)
		x.wantIdle()
		require.True(t, x.out.Done)
	})
	t.Run("End-to-End Identifier", func(t *testing.T) {
		n := uint32(41)
		x := begin(t, func(c *Config) { c.EndToEnd = func() uint32 { n++; return n } })
		x.start()
		require.EqualValues(t, 42, x.request().Header().EndToEnd)
		restart(x)
		require.EqualValues(t, 42, x.request().Header().EndToEnd)
		x.answer(grant(mega))
		x.use(mega, 1)
		require.EqualValues(t, 43, x.request().Header().EndToEnd)
	})
}

// A refused login whose CCR-T is never answered does not live for ever.
func TestRefusedLoginIsForgotten(t *testing.T) {
	x := begin(t, nil)
	x.start()
	x.answer(refusal(ResultCreditLimitReached))
	x.wantService(ServiceRefused, EndCredit)
	x.wantSend(RequestTermination, 1)
	x.fail(FailureTimeout)
	for n := 0; !x.out.Done; n++ {
		require.Less(t, n, 1000)
		x.advance(x.out.Deadline.Sub(x.now))
		if x.out.Send {
			x.fail(FailureNotSent)
		}
	}
	require.Zero(t, x.out.WrittenOff)
}

// More usage long after the end has its own time to be reported.
func TestLateUsage(t *testing.T) {
	x := opened(t, 10*mega, nil)
	x.stop(mega, 5)
	x.result(ResultSuccess)
	require.True(t, x.out.Done)
	x.now = x.now.Add(48 * time.Hour)
	x.stop(2*mega, 6)
	x.wantSend(RequestInitial, 0)
	require.Zero(t, x.out.WrittenOff)
}
