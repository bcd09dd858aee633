package interop

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// RADIUS codes and attributes of the datagrams below.
const (
	codeAccessRequest   = 1
	codeAccessChallenge = 11

	attrUserName             = 1
	attrNASIdentifier        = 32
	attrEAPMessage           = 79
	attrMessageAuthenticator = 80
)

// accessRequest returns an Access-Request that begins a login, octet by octet,
// and not by means of the library that is under test. With a key it has a
// Message-Authenticator (RFC 3579, section 3.2).
func accessRequest(t *testing.T, identifier byte, identity, key string) []byte {
	t.Helper()
	b := make([]byte, 20, 200)
	b[0], b[1] = codeAccessRequest, identifier
	_, _ = rand.Read(b[4:20])
	attr := func(kind byte, value []byte) { b = append(append(b, kind, byte(2+len(value))), value...) }
	attr(attrUserName, []byte(identity))
	attr(attrNASIdentifier, []byte("ap-1"))
	response := append([]byte{2, 0, 0, 0, 1}, identity...) // EAP-Response/Identity
	binary.BigEndian.PutUint16(response[2:], uint16(len(response)))
	attr(attrEAPMessage, response)
	if key != "" {
		attr(attrMessageAuthenticator, make([]byte, 16))
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if key != "" {
		mac := hmac.New(md5.New, []byte(key))
		mac.Write(b)
		copy(b[len(b)-16:], mac.Sum(nil))
	}
	return b
}

// verifyAnswer checks an answer's Response Authenticator (RFC 2865, section 3)
// and that it belongs to the request.
func verifyAnswer(t *testing.T, request, answer []byte, key string) {
	t.Helper()
	require.GreaterOrEqual(t, len(answer), 20)
	require.Equal(t, request[1], answer[1], "Identifier")
	h := md5.New()
	h.Write(answer[:4])
	h.Write(request[4:20])
	h.Write(answer[20:])
	h.Write([]byte(key))
	require.Equal(t, h.Sum(nil), answer[4:20], "Response Authenticator")
}

// exchange sends a datagram and returns the answer.
func exchange(t *testing.T, conn net.Conn, request []byte) []byte {
	t.Helper()
	_, err := conn.Write(request)
	require.NoError(t, err)
	return receive(t, conn)
}

func receive(t *testing.T, conn net.Conn) []byte {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	buf := make([]byte, 4096)
	n, err := conn.Read(buf)
	require.NoError(t, err)
	return buf[:n]
}

func dial(t *testing.T, to netip.AddrPort, from string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}).Dial("udp", to.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestUnauthenticatedRequestsGetNothing: no Message-Authenticator, a wrong one
// and a source that nobody configured are answered with silence. What is sent
// after them is answered, and that is all that comes.
func TestUnauthenticatedRequestsGetNothing(t *testing.T) {
	Need(t)
	server := startServer(t, hssHost, startHSS(t).addr)
	identity := login{methods: "AKA"}.identity()
	stranger := dial(t, server.addr, "127.0.0.2")
	_, err := stranger.Write(accessRequest(t, 9, identity, secret))
	require.NoError(t, err)

	conn := dial(t, server.addr, "127.0.0.1")
	damaged := accessRequest(t, 3, identity, secret)
	damaged[len(damaged)-1] ^= 1
	otherAuthenticator := accessRequest(t, 4, identity, secret)
	otherAuthenticator[4] ^= 1
	for _, bad := range [][]byte{
		accessRequest(t, 1, identity, ""),               // none
		accessRequest(t, 2, identity, "another secret"), // another's
		damaged,            // changed on the way
		otherAuthenticator, // taken from another packet
		accessRequest(t, 5, identity, secret)[:60], // cut off
	} {
		_, err := conn.Write(bad)
		require.NoError(t, err)
	}
	good := accessRequest(t, 6, identity, secret)
	answer := exchange(t, conn, good)
	verifyAnswer(t, good, answer, secret)
	require.EqualValues(t, codeAccessChallenge, answer[0])

	for name, c := range map[string]net.Conn{"client": conn, "stranger": stranger} {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(300*time.Millisecond)))
		n, err := c.Read(make([]byte, 4096))
		require.Error(t, err, "%s got %d octets", name, n)
	}
	require.NoError(t, server.WaitFor("Message-Authenticator validation failed", time.Minute))
}

// TestSameRequestSameOctets: every request of a login is sent twice, by one in
// the middle; the second answers are the first, octet by octet, and there has
// been one login.
func TestSameRequestSameOctets(t *testing.T) {
	Need(t, EapolTest)
	home := startHSS(t)
	server := startServer(t, hssHost, home.addr)
	middle, doubled := startDoubler(t, server.addr)
	for i, methods := range []string{"AKA", "AKA'"} {
		login{methods: methods, subscriber: i}.run(t, radiusServer{middle, server.secret})
	}
	require.GreaterOrEqual(t, doubled(), 4)
	said := server.ended(t)
	require.Equal(t, 2, strings.Count(said, "Authentication ACCEPTED"), "%s", tail(said))
	_, err := home.Interrupt(time.Minute)
	require.NoError(t, err)
	require.Contains(t, home.Output(), "requests 2, vectors 2, resynchronisations 0, refusals 0")
}

// startDoubler starts one in the middle that sends every datagram twice, waits
// for both answers and compares them. It returns its address and a function
// that ends it and tells how many it has doubled.
func startDoubler(t *testing.T, server netip.AddrPort) (address netip.AddrPort, stop func() int) {
	t.Helper()
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	require.NoError(t, err)
	back := dial(t, server, "127.0.0.1")
	ended := make(chan int)
	errs := make(chan error, 1)
	go func() {
		n := 0
		defer func() { ended <- n }()
		buf := make([]byte, 4096)
		for {
			size, from, err := front.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			answer, err := twice(back, buf[:size])
			if err != nil {
				errs <- err
				return
			}
			n++
			_, _ = front.WriteToUDPAddrPort(answer, from)
		}
	}()
	return front.LocalAddr().(*net.UDPAddr).AddrPort(), func() int {
		_ = front.Close()
		n := <-ended
		select {
		case err := <-errs:
			require.NoError(t, err)
		default:
		}
		return n
	}
}

// twice sends a request twice and returns the answer, which must be the same.
func twice(conn net.Conn, request []byte) ([]byte, error) {
	var answers [2][]byte
	for i := range answers {
		if _, err := conn.Write(request); err != nil {
			return nil, err
		}
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if err != nil {
			return nil, fmt.Errorf("no answer to copy %d of a request: %w", i+1, err)
		}
		answers[i] = buf[:n]
	}
	if !bytes.Equal(answers[0], answers[1]) {
		return nil, fmt.Errorf("two answers to one request:\n%x\n%x", answers[0], answers[1])
	}
	return answers[0], nil
}

// radclient runs FreeRADIUS's client, which verifies what it gets, and returns
// what it says.
func radclient(t *testing.T, server radiusServer, command, attributes string) (string, error) {
	t.Helper()
	return radclientWaits(t, 60, server, command, attributes)
}

// radclientWaits has it wait so many seconds for an answer.
func radclientWaits(t *testing.T, seconds int, server radiusServer, command, attributes string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "radclient", "-x", "-r", "1", "-t", strconv.Itoa(seconds), server.addr.String(), command, server.secret)
	cmd.Stdin = strings.NewReader(attributes)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestRadclient: FreeRADIUS's client accepts our answers.
func TestRadclient(t *testing.T) {
	Need(t, Radclient)
	server := startServer(t, hssHost, startHSS(t).addr)
	t.Run("Status-Server", func(t *testing.T) {
		out, err := radclient(t, server.radiusServer, "status", "Message-Authenticator = 0x00")
		require.NoError(t, err, out)
		require.Contains(t, out, "Received Access-Accept")
	})
	t.Run("no EAP", func(t *testing.T) {
		out, err := radclient(t, server.radiusServer, "auth", "User-Name = bob, User-Password = hello, Message-Authenticator = 0x00")
		require.Error(t, err, out) // its exit code for a rejection
		require.Contains(t, out, "Received Access-Reject")
		require.Contains(t, out, "Message-Authenticator")
	})
	t.Run("wrong secret", func(t *testing.T) {
		out, err := radclientWaits(t, 3, radiusServer{server.addr, "not the secret"}, "status", "Message-Authenticator = 0x00")
		require.Error(t, err, out)
		require.Contains(t, out, "No reply")
	})
}
