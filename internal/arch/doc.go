// Package arch holds no code: its tests hold the rules about the whole tree.
//
// Who may import whom, that every package says what it is for, that files stay
// readable, what the operator links, and that links in the docs lead somewhere.
package arch

//go:generate go test -run ^(TestOperatorDependencies|TestDocumentedCommandsPrintWhatTheDocsSay)$ . -update
