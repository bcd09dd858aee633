package gateway

// InHand returns how many sessions have a request that this process has had in hand.
func InHand(c *Charging) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.taken)
}
