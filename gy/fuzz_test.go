package gy

import (
	"bytes"
	"testing"

	"github.com/opentwag/twag/diameter/wire"
)

// seed adds the samples of one kind, and what the encoders make.
func seed(f *testing.F, extra ...wire.Message) {
	for _, msg := range samples(f) {
		if msg.Header().Command == CommandCreditControl {
			f.Add([]byte(msg))
		}
	}
	for _, msg := range extra {
		f.Add([]byte(msg))
	}
}

func FuzzCCR(f *testing.F) {
	full := fullCCR()
	msg, err := full.Encode(nil)
	if err != nil {
		f.Fatal(err)
	}
	seed(f, msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := wire.Parse(b)
		if err != nil {
			return
		}
		var m, again CCR
		if m.Decode(msg) != nil {
			return
		}
		first, err := m.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Decode(first); err != nil {
			t.Fatalf("what we encode is refused: %v", err)
		}
		second, err := again.Encode(nil)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %x, %x, %v", first, second, err)
		}
	})
}

func FuzzCCA(f *testing.F) {
	full := fullCCA()
	msg, err := full.Encode(nil, wire.Header{})
	if err != nil {
		f.Fatal(err)
	}
	seed(f, msg)
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := wire.Parse(b)
		if err != nil {
			return
		}
		var m, again CCA
		if m.Decode(msg) != nil {
			return
		}
		first, err := m.Encode(nil, msg.Header())
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Decode(first); err != nil {
			t.Fatalf("what we encode is refused: %v", err)
		}
		second, err := again.Encode(nil, msg.Header())
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %x, %x, %v", first, second, err)
		}
	})
}

func FuzzServerRequests(f *testing.F) {
	rar := RAR{SessionID: []byte("s"), RatingGroup: 1, HasRatingGroup: true}
	msg, err := rar.Encode(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(msg))
	f.Fuzz(func(t *testing.T, b []byte) {
		msg, err := wire.Parse(b)
		if err != nil {
			return
		}
		var rar RAR
		var asr ASR
		errRAR, errASR := rar.Decode(msg), asr.Decode(msg)
		if (errRAR == nil) != (errASR == nil) {
			t.Fatal(errRAR, errASR)
		}
		var ans ServerAnswer
		_ = ans.Decode(msg)
		if errRAR != nil {
			return
		}
		out, err := rar.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		var again RAR
		if err := again.Decode(out); err != nil || !bytes.Equal(again.SessionID, rar.SessionID) || again.RatingGroup != rar.RatingGroup {
			t.Fatalf("%v: %+v, %+v", err, rar, again)
		}
	})
}
