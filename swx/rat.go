package swx

import "fmt"

// RATType is a radio access technology (TS 29.212, clause 5.3.31).
type RATType uint32

// RAT types.
const (
	RATWLAN        RATType = 0
	RATVirtual     RATType = 1
	RATUTRAN       RATType = 1000
	RATGERAN       RATType = 1001
	RATGAN         RATType = 1002
	RATHSPAEvolved RATType = 1003
	RATEUTRAN      RATType = 1004
	RATCDMA20001X  RATType = 2000
	RATHRPD        RATType = 2001
	RATUMB         RATType = 2002
	RATEHRPD       RATType = 2003
)

var ratNames = map[RATType]string{
	RATWLAN: "WLAN", RATVirtual: "VIRTUAL", RATUTRAN: "UTRAN", RATGERAN: "GERAN", RATGAN: "GAN",
	RATHSPAEvolved: "HSPA_EVOLUTION", RATEUTRAN: "EUTRAN", RATCDMA20001X: "CDMA2000_1X",
	RATHRPD: "HRPD", RATUMB: "UMB", RATEHRPD: "EHRPD",
}

// String returns the type's name in the standard.
func (t RATType) String() string {
	if name, ok := ratNames[t]; ok {
		return name
	}
	return fmt.Sprintf("RATType(%d)", uint32(t))
}
