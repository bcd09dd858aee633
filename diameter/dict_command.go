package diameter

// CommandName returns what a command is called in an application, such as
// "MAR/MAA" for 303 in SWx; "" if neither it nor the base protocol has the
// command. It is for counters and people.
func CommandName(app, command uint32) string {
	for _, c := range commands {
		if c.command == command && (c.app == app || c.app == applicationBase) {
			return c.name
		}
	}
	return ""
}

// commands are those of the base protocol (RFC 6733, section 3.1), SWx (TS
// 29.273, clause 8.2.2) and Gy (RFC 8506, section 3).
var commands = []struct {
	app, command uint32
	name         string
}{
	{applicationBase, 257, "CER/CEA"},
	{applicationBase, 258, "RAR/RAA"},
	{applicationBase, 271, "ACR/ACA"},
	{applicationBase, 274, "ASR/ASA"},
	{applicationBase, 275, "STR/STA"},
	{applicationBase, 280, "DWR/DWA"},
	{applicationBase, 282, "DPR/DPA"},
	{swxApplication, 301, "SAR/SAA"},
	{swxApplication, 303, "MAR/MAA"},
	{swxApplication, 304, "RTR/RTA"},
	{swxApplication, 305, "PPR/PPA"},
	{gyApplication, 272, "CCR/CCA"},
}
