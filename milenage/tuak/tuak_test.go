package tuak

import (
	"crypto/sha3"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func TestVectors(t *testing.T) {
	b, err := os.ReadFile("../../testdata/tuak.json")
	require.NoError(t, err)
	var file struct {
		Sets []struct {
			Set                                int
			K, RAND, SQN, AMF, TOP, TOPc       hexBytes
			F1, F1Star, F2, F3, F4, F5, F5Star hexBytes
			Iterations                         int `json:"keccak_iterations"`
			MAC                                int `json:"mac_bits"`
			RES                                int `json:"res_bits"`
			CK                                 int `json:"ck_bits"`
			IK                                 int `json:"ik_bits"`
		}
	}
	require.NoError(t, json.Unmarshal(b, &file))
	require.Len(t, file.Sets, 6)
	for _, s := range file.Sets {
		t.Run(fmt.Sprint(s.Set), func(t *testing.T) {
			topc, err := TOPc(s.K, [32]byte(s.TOP), s.Iterations)
			require.NoError(t, err)
			require.Equal(t, [32]byte(s.TOPc), topc)
			cfg := Config{s.MAC / 8, s.RES / 8, s.CK / 8, s.IK / 8, s.Iterations}
			c, err := New(s.K, topc, cfg)
			require.NoError(t, err)
			require.Equal(t, cfg, c.Config())
			fromTOP, err := NewFromTOP(s.K, [32]byte(s.TOP), cfg)
			require.NoError(t, err)
			require.Equal(t, *c, *fromTOP)

			rand, sqn, amf := [16]byte(s.RAND), [6]byte(s.SQN), [2]byte(s.AMF)
			requirePrefix(t, s.F1, c.F1(rand, sqn, amf), "f1")
			requirePrefix(t, s.F1Star, c.F1Star(rand, sqn, amf), "f1*")
			res, ck, ik, ak := c.F2345(rand)
			requirePrefix(t, s.F2, res, "f2")
			requirePrefix(t, s.F3, ck, "f3")
			requirePrefix(t, s.F4, ik, "f4")
			require.Equal(t, [6]byte(s.F5), ak, "f5")
			require.Equal(t, [6]byte(s.F5Star), c.F5Star(rand), "f5*")
		})
	}
}

// requirePrefix demands want and nothing but zeros behind it.
func requirePrefix(t *testing.T, want []byte, got [32]byte, name string) {
	t.Helper()
	var full [32]byte
	copy(full[:], want)
	require.Equal(t, full, got, name)
}

// TestPermutation makes SHA3-256 of the permutation and compares it with the
// standard library's.
func TestPermutation(t *testing.T) {
	const rate = 136
	for n := range rate {
		msg := make([]byte, rate)
		for i := range n {
			msg[i] = byte(7*i + n)
		}
		want := sha3.Sum256(msg[:n])
		msg[n] ^= 0x06
		msg[rate-1] ^= 0x80
		var s state
		for i := range rate / 8 {
			s[i] = binary.LittleEndian.Uint64(msg[8*i:])
		}
		s.permute()
		var got [32]byte
		for i := range 4 {
			binary.LittleEndian.PutUint64(got[8*i:], s[i])
		}
		require.Equal(t, want, got, n)
	}
}

func TestLengths(t *testing.T) {
	t.Run("every allowed combination", func(t *testing.T) {
		seen := map[[32]byte]Config{}
		for _, mac := range []int{8, 16, 32} {
			for _, res := range []int{4, 8, 16, 32} {
				for _, ck := range []int{16, 32} {
					for _, ik := range []int{16, 32} {
						cfg := Config{mac, res, ck, ik, 1}
						c, err := New(make([]byte, 16), [32]byte{}, cfg)
						require.NoError(t, err)
						m := c.F1([16]byte{}, [6]byte{}, [2]byte{})
						r, k, i, _ := c.F2345([16]byte{})
						for _, o := range []struct {
							out [32]byte
							n   int
						}{{m, mac}, {r, res}, {k, ck}, {i, ik}} {
							require.Zero(t, [32]byte(append(make([]byte, o.n), o.out[o.n:]...)))
						}
						// Each length makes another INSTANCE, so RES differs
						// from that of every other choice.
						if mac == 8 {
							require.NotContains(t, seen, r)
							seen[r] = cfg
						}
					}
				}
			}
		}
		require.Len(t, seen, 16)
	})
	t.Run("defaults", func(t *testing.T) {
		c, err := New(make([]byte, 16), [32]byte{}, Config{})
		require.NoError(t, err)
		require.Equal(t, Config{8, 8, 16, 16, 1}, c.Config())
	})
	for name, cfg := range map[string]Config{
		"MACLen 4":       {MACLen: 4},
		"MACLen -8":      {MACLen: -8},
		"RESLen 12":      {RESLen: 12},
		"CKLen 8":        {CKLen: 8},
		"IKLen 24":       {IKLen: 24},
		"Iterations -1":  {Iterations: -1},
		"Iterations 256": {Iterations: 256},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(make([]byte, 16), [32]byte{}, cfg)
			require.ErrorIs(t, err, ErrConfig)
			require.ErrorContains(t, err, name)
			_, err = NewFromTOP(make([]byte, 16), [32]byte{}, cfg)
			require.ErrorIs(t, err, ErrConfig)
		})
	}
	for _, n := range []int{0, 15, 17, 24, 31, 33} {
		_, err := New(make([]byte, n), [32]byte{}, Config{})
		require.ErrorIs(t, err, ErrConfig, n)
		_, err = TOPc(make([]byte, n), [32]byte{}, 1)
		require.ErrorIs(t, err, ErrConfig, n)
		_, err = NewFromTOP(make([]byte, n), [32]byte{}, Config{})
		require.ErrorIs(t, err, ErrConfig, n)
	}
}

func TestNoAllocations(t *testing.T) {
	c, err := New(make([]byte, 32), [32]byte{2}, Config{})
	require.NoError(t, err)
	rand := [16]byte{3}
	require.Zero(t, testing.AllocsPerRun(100, func() { c.F1(rand, [6]byte{}, [2]byte{}) }), "f1")
	require.Zero(t, testing.AllocsPerRun(100, func() { c.F1Star(rand, [6]byte{}, [2]byte{}) }), "f1*")
	require.Zero(t, testing.AllocsPerRun(100, func() { c.F2345(rand) }), "f2345")
	require.Zero(t, testing.AllocsPerRun(100, func() { c.F5Star(rand) }), "f5*")
}

func TestPrintsNoKey(t *testing.T) {
	c, err := New([]byte("0123456789abcdef"), [32]byte{}, Config{})
	require.NoError(t, err)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.Equal(t, "tuak.Cipher[redacted]", fmt.Sprintf(verb, c), verb)
	}
}

func BenchmarkPermute(b *testing.B) {
	var s state
	b.ReportAllocs()
	for b.Loop() {
		s.permute()
	}
}

// BenchmarkVector is what one authentication vector costs.
func BenchmarkVector(b *testing.B) {
	c, _ := New(make([]byte, 16), [32]byte{2}, Config{})
	b.ReportAllocs()
	for b.Loop() {
		c.F1([16]byte{3}, [6]byte{4}, [2]byte{5})
		c.F2345([16]byte{3})
	}
}
