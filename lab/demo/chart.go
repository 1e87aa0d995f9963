package demo

import (
	"math"
	"strings"
)

// eighths are the block elements from empty to full.
const eighths = " ▁▂▃▄▅▆▇█"

// ink is the colour of a cell, as an ANSI code; empty means the terminal's own.
type ink string

const (
	plain  ink = ""
	warm   ink = "33" // yellow: load
	cool   ink = "36" // cyan: ready replicas
	strong ink = "32" // green: desired replicas
	rented ink = "35" // magenta: nodes that were made
	faint  ink = "90"
)

type cell struct {
	r rune
	c ink
}

// canvas is a grid of cells, row 0 on top.
type canvas [][]cell

func newCanvas(width, height int) canvas {
	c := make(canvas, height)
	for y := range c {
		c[y] = make([]cell, width)
		for x := range c[y] {
			c[y][x] = cell{r: ' '}
		}
	}
	return c
}

// bars fills each column up to value/top of the height.
func (c canvas) bars(values []float64, top float64, colour ink) {
	steps := []rune(eighths)
	for x, v := range values {
		fill := int(math.Round(min(max(v/top, 0), 1) * float64(len(c)*8)))
		for y := len(c) - 1; y >= 0 && fill > 0; y-- {
			c[y][x] = cell{r: steps[min(fill, 8)], c: colour}
			fill -= 8
		}
	}
}

// line draws a horizontal mark in each column at value/top of the height.
func (c canvas) line(values []float64, top float64, r rune, colour ink) {
	for x, v := range values {
		if v < 0 {
			continue
		}
		y := len(c) - 1 - min(int(v/top*float64(len(c))), len(c)-1)
		c[y][x] = cell{r: r, c: colour}
	}
}

// row renders one row, with colour codes only where the colour changes, and
// none where the screen has no colours.
func (c canvas) row(y int, s Screen) string {
	var b strings.Builder
	now := plain
	for _, k := range c[y] {
		if s.Colour && k.c != now {
			b.WriteString(escape(k.c))
			now = k.c
		}
		b.WriteRune(k.r)
	}
	if s.Colour && now != plain {
		b.WriteString(escape(plain))
	}
	return strings.TrimRight(b.String(), " ")
}

func escape(c ink) string {
	if c == plain {
		return "\x1b[0m"
	}
	return "\x1b[" + string(c) + "m"
}
