package interop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
	"layeh.com/radius/rfc2869"

	"github.com/opentwag/twag/examples/internal/ue"
	"github.com/opentwag/twag/radius/radiustest"
)

// visitor is a subscriber who logs in, uses data, leaves, and comes again; and his access point, which
// accounts for him.
type visitor struct {
	ap    *radiustest.AP
	phone *ue.UE
	conn  net.Conn
	rand  *rand.Rand
	n     int
	sent  byte

	class   []byte
	account string
	began   time.Time
	used    uint64

	octets                   uint64 // of all his sessions
	logins, failed, sessions int
}

func newVisitor(t *testing.T, ap *radiustest.AP, server charger, n int) *visitor {
	t.Helper()
	phone, err := ue.New(ue.Config{IMSI: imsi(n), NoReauth: true})
	require.NoError(t, err)
	conn, err := net.Dial("udp", server.addr.String())
	require.NoError(t, err)
	return &visitor{ap: ap, phone: phone, conn: conn, rand: rand.New(rand.NewPCG(1, uint64(n))), n: n}
}

// run visits again and again until ctx ends. What has begun is brought to its end.
func (v *visitor) run(ctx context.Context) {
	time.Sleep(time.Duration(v.rand.Int64N(int64(2 * time.Second))))
	for ctx.Err() == nil {
		if !v.login(ctx) {
			v.failed++
			time.Sleep(500 * time.Millisecond)
			continue
		}
		v.logins++
		v.sessions++
		v.account, v.began, v.used = fmt.Sprintf("visitor-%d-%d", v.n, v.sessions), time.Now(), 0
		v.report(rfc2866.AcctStatusType_Value_Start)
		for range 3 + v.rand.IntN(6) {
			time.Sleep(time.Second)
			if ctx.Err() != nil {
				break
			}
			v.used += 200 + v.rand.Uint64N(40<<20)
			v.report(rfc2866.AcctStatusType_Value_InterimUpdate)
		}
		v.used += v.rand.Uint64N(10 << 20)
		v.report(rfc2866.AcctStatusType_Value_Stop)
		v.octets += v.used
	}
}

func (v *visitor) login(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := v.phone.Login(ctx, v.ap)
	if err != nil || r.Code != layeh.CodeAccessAccept {
		return false
	}
	p, err := layeh.Parse(r.Reply, []byte(secret))
	v.class = p.Get(typeClass)
	return err == nil
}

// report tells the server, for as long as it takes.
func (v *visitor) report(status rfc2866.AcctStatusType) {
	v.sent++
	p := layeh.New(layeh.CodeAccountingRequest, []byte(secret))
	p.Identifier = v.sent
	in, out := v.used/8, v.used-v.used/8
	err := errors.Join(
		rfc2866.AcctStatusType_Set(p, status), rfc2866.AcctSessionID_SetString(p, v.account), rfc2865.Class_Set(p, v.class),
		rfc2865.NASIdentifier_SetString(p, "visited"), rfc2865.CallingStationID_SetString(p, v.phone.Station()),
		rfc2869.EventTimestamp_Set(p, time.Now()), rfc2866.AcctSessionTime_Set(p, rfc2866.AcctSessionTime(time.Since(v.began).Seconds())),
		rfc2866.AcctInputOctets_Set(p, rfc2866.AcctInputOctets(in)), rfc2866.AcctOutputOctets_Set(p, rfc2866.AcctOutputOctets(out)),
	)
	request, e := p.Encode()
	if errors.Join(err, e) != nil {
		panic(err)
	}
	for {
		_, _ = v.conn.Write(request) // nobody may be there
		answer := make([]byte, 4096)
		_ = v.conn.SetReadDeadline(time.Now().Add(time.Second))
		n, err := v.conn.Read(answer)
		if err == nil && n >= 20 && layeh.IsAuthenticResponse(answer[:n], request, []byte(secret)) {
			return
		}
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			time.Sleep(50 * time.Millisecond) // refused: it is being started again
		}
	}
}
