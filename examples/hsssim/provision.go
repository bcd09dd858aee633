package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/opentwag/twag/aka/auc"
	"github.com/opentwag/twag/eap"
	"github.com/opentwag/twag/examples/internal/provision"
	"github.com/opentwag/twag/swx"
	"github.com/opentwag/twag/swx/swxtest"
)

// readSubscribers reads a provisioning file. Errors name the line and the
// field, and no value: it may be a key.
func readSubscribers(name string, r io.Reader) ([]swxtest.Subscriber, error) {
	var list []swxtest.Subscriber
	seen := make(map[eap.IMSI]bool)
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) == 0 {
			continue
		}
		s, err := parseSubscriber(fields)
		if err == nil && seen[s.IMSI] {
			err = errors.New("IMSI: has been there before")
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		seen[s.IMSI] = true
		list = append(list, s)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

func parseSubscriber(fields []string) (swxtest.Subscriber, error) {
	s := swxtest.Subscriber{AMF: provision.AMF}
	if len(fields) < 3 {
		return s, errors.New("want IMSI, K and OPc")
	}
	imsi, err := eap.ParseIMSI(fields[0])
	if err != nil {
		return s, errors.New("IMSI: want 6 to 15 digits")
	}
	s.IMSI = imsi
	if !parseKey(&s.K, fields[1]) || !parseKey(&s.OPc, fields[2]) {
		return s, errors.New("keys: want 32 hexadecimal digits each for K and OPc")
	}
	for _, word := range fields[3:] {
		sqn, isSQN := strings.CutPrefix(word, "sqn=")
		msisdn, isMSISDN := strings.CutPrefix(word, "msisdn=")
		apn, isAPN := strings.CutPrefix(word, "apn=")
		if isMSISDN || isAPN || word == "access-barred" {
			if s.Profile == nil {
				s.Profile = swxtest.DefaultProfile()
			}
		}
		switch {
		case isMSISDN:
			s.Profile.SubscriptionIDs = append(s.Profile.SubscriptionIDs, swx.SubscriptionID{Type: swx.SubscriptionE164, Data: msisdn})
		case isAPN:
			s.Profile.APNs[0].APN = apn
		case word == "access-barred":
			s.Profile.Access = swx.AccessBarred
		case isSQN:
			if s.SQN, err = strconv.ParseUint(sqn, 10, 64); err != nil || s.SQN > auc.MaxSQN {
				return s, errors.New("sqn: want a number of 48 bits")
			}
		case word == "barred":
			s.Barred = true
		case word == "no-non-3gpp":
			s.NoNon3GPP = true
		case word == "no-roaming":
			s.NoRoaming = true
		case word == "no-wlan":
			s.NoWLAN = true
		default:
			return s, errors.New("a word after OPc is none of sqn=, barred, no-non-3gpp, no-roaming, no-wlan, msisdn=, apn=, access-barred")
		}
	}
	return s, nil
}

func parseKey(dst *[16]byte, s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == len(dst) && copy(dst[:], b) == len(dst)
}
