package aka

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/opentwag/twag/eap"
)

// hexBytes is a hex string of a vector file.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

func (h hexBytes) a16() [16]byte { return [16]byte(h) }

// load reads a vector file of the module.
func load(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

// unhex decodes hex in a test.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

// decodePacket decodes an EAP packet and the message in it.
func decodePacket(t testing.TB, b []byte) Message {
	t.Helper()
	p, err := eap.Decode(b)
	require.NoError(t, err)
	m, err := Decode(p)
	require.NoError(t, err)
	return m
}

// recording is one exchange of testdata/eap_aka.json.
type recording struct {
	Name    string
	Derived []struct {
		Kind        string
		Identity    string
		NetworkName string `json:"network_name"`
		RAND, AUTN  hexBytes
		IK, CK      hexBytes
		XRES        hexBytes
		CKPrime     hexBytes `json:"CK_prime"`
		IKPrime     hexBytes `json:"IK_prime"`
		MK          hexBytes
		KEncr       hexBytes `json:"k_encr"`
		KAut        hexBytes `json:"k_aut"`
		KRe         hexBytes `json:"k_re"`
		MSK, EMSK   hexBytes
		Counter     uint16
		NonceS      hexBytes `json:"nonce_s"`
	}
	Messages []struct {
		Dir           string
		What          string
		EAP           hexBytes
		Plain         hexBytes  `json:"decrypted_plaintext"`
		CheckcodeOver *hexBytes `json:"checkcode_over"`
		MACExtra      *hexBytes `json:"mac_extra_data"`
		Attributes    []struct {
			Type AttrType
			Name string
			Hex  hexBytes
		}
		Decrypted []struct {
			Type AttrType
			Name string
			Hex  hexBytes
		} `json:"decrypted_attributes"`
	}
}

func recordings(t testing.TB) []recording {
	t.Helper()
	var f struct{ Exchanges []recording }
	load(t, "eap_aka.json", &f)
	require.Len(t, f.Exchanges, 7)
	return f.Exchanges
}
