package wire

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
)

func TestCut(t *testing.T) {
	pkt := AppendHeader(nil, AccessRequest, 7, new([16]byte))
	require.True(t, SetLength(pkt))
	got, err := Cut(append(bytes.Clone(pkt), 1, 2, 3))
	require.NoError(t, err)
	require.Equal(t, pkt, got)
	require.Equal(t, len(got), cap(got), "appending does not run into the padding")
	for n := range len(pkt) {
		_, err = Cut(pkt[:n])
		require.ErrorIs(t, err, ErrLength)
	}
	require.False(t, SetLength(pkt[:19]))
	require.False(t, SetLength(make([]byte, MaxLen+1)))
}

func TestScan(t *testing.T) {
	pkt := AppendHeader(nil, AccessRequest, 7, new([16]byte))
	l, err := Scan(pkt)
	require.NoError(t, err)
	require.Zero(t, l)
	pkt = AppendAttribute(pkt, 1, []byte("x"))
	pkt = AppendMessageAuthenticator(pkt)
	pkt = AppendAttribute(pkt, AttrEAPMessage, nil)
	pkt = AppendAttribute(pkt, AttrProxyState, make([]byte, MaxValueLen))
	l, err = Scan(pkt)
	require.NoError(t, err)
	require.Equal(t, Layout{Attributes: 4, MessageAuthenticator: 25, EAPMessage: true, ProxyState: true}, l)
	var types []byte
	for i := HeaderLen; ; {
		typ, v, next, ok := Next(pkt, i)
		if !ok {
			break
		}
		require.Equal(t, len(v), cap(v))
		types, i = append(types, typ), next
	}
	require.Equal(t, []byte{1, 80, 79, 33}, types)
}

// TestReveal holds the function against layeh's way of hiding, for all
// lengths, and against malformed values.
func TestReveal(t *testing.T) {
	auth := [16]byte{1, 2, 3}
	secret := []byte("secret")
	for n := range 240 {
		clearText := bytes.Repeat([]byte{byte(n)}, n)
		hidden, err := layeh.NewTunnelPassword(clearText, []byte{0x80, 1}, secret, auth[:])
		if err != nil {
			require.Greater(t, n, 239)
			continue
		}
		got, ok := Reveal(nil, hidden, secret, &auth)
		require.True(t, ok, n)
		require.Equal(t, string(clearText), string(got))
	}
	for _, n := range []int{0, 1, 2, 17, 19, 33, 254, 258} {
		_, ok := Reveal(nil, make([]byte, n), secret, &auth)
		require.False(t, ok, n)
	}
	// A length octet beyond the end: found by trying, as it is hidden.
	refused := 0
	for i := range 256 {
		if _, ok := Reveal(nil, append([]byte{0x80, byte(i)}, make([]byte, 16)...), secret, &auth); !ok {
			refused++
		}
	}
	require.Greater(t, refused, 200)
}

// TestAnswers: each code answers one kind of request, and no request answers.
func TestAnswers(t *testing.T) {
	want := map[byte][]byte{
		AccessRequest:     {AccessAccept, AccessReject, AccessChallenge},
		AccountingRequest: {AccountingResponse},
		StatusServer:      {AccessAccept, AccountingResponse},
		DisconnectRequest: {DisconnectACK, DisconnectNAK},
		CoARequest:        {CoAACK, CoANAK},
	}
	for req := range 256 {
		for rep := range 256 {
			require.Equal(t, bytes.IndexByte(want[byte(req)], byte(rep)) >= 0, Answers(byte(req), byte(rep)))
		}
	}
}
