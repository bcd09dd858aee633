module github.com/opentwag/twag/examples

go 1.26.0

require github.com/opentwag/twag v0.0.0

replace github.com/opentwag/twag => ../
