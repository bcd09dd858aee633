// Package rules holds no code: its tests guard what the repository promises
// about itself. Who may import whom (docs/design.md), what the root module
// requires, that every package says what it is, that the README shows the
// quickstart as it is compiled.
package rules
