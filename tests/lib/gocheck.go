// SPDX-License-Identifier: Apache-2.0

// gocheck FOLDER VKEYS: verifies a log that coldseal wrote with other people's
// code: the checkpoint with golang.org/x/mod/sumdb/note, every leaf, tile and
// the root with golang.org/x/mod/sumdb/tlog.  VKEYS is the text of log.vkey;
// sumdb/note knows the type of its first line only, and skips signatures by
// keys that it is not given.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error, what string) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "gocheck: %s: %v\n", what, err)
		os.Exit(1)
	}
}

// c2sp.org/tlog-tiles path of an entry bundle.
func entries(n int64, width int) string {
	p := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		p = fmt.Sprintf("x%03d/%s", n%1000, p)
	}
	if width < 256 {
		p = fmt.Sprintf("%s.p/%d", p, width)
	}
	return "tile/entries/" + p
}

func leaves(dir string, size int64) []tlog.Hash {
	var all []tlog.Hash
	for n := int64(0); n*256 < size; n++ {
		width := size - n*256
		if width > 256 {
			width = 256
		}
		b, err := os.ReadFile(filepath.Join(dir, entries(n, int(width))))
		must(err, "entries")
		for i := int64(0); i < width; i++ {
			l := int(binary.BigEndian.Uint16(b))
			all = append(all, tlog.RecordHash(b[2:2+l]))
			b = b[2+l:]
		}
		if len(b) != 0 {
			must(fmt.Errorf("trailing bytes"), entries(n, int(width)))
		}
	}
	return all
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: gocheck FOLDER VKEYS")
		os.Exit(2)
	}
	dir := os.Args[1]
	v, err := note.NewVerifier(strings.SplitN(os.Args[2], "\n", 2)[0])
	must(err, "key")
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err, "checkpoint")
	n, err := note.Open(msg, note.VerifierList(v))
	must(err, "signature")
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != v.Name() {
		must(fmt.Errorf("%q", n.Text), "checkpoint text")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	want, err := base64.StdEncoding.DecodeString(lines[2])
	must(err, "root")

	// the hashes as tlog stores them, from the leaves alone
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range idx {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, h := range leaves(dir, size) {
		hs, err := tlog.StoredHashesForRecordHash(int64(i), h, read)
		must(err, "hash")
		stored = append(stored, hs...)
	}
	root, err := tlog.TreeHash(size, read)
	must(err, "tree")
	if string(root[:]) != string(want) {
		must(fmt.Errorf("%v", root), "root")
	}

	// and every hash tile on disk
	tiles := 0
	for level := 0; size>>(8*level) > 0; level++ {
		width := size >> (8 * level)
		for n := int64(0); n*256 < width; n++ {
			w := width - n*256
			if w > 256 {
				w = 256
			}
			t := tlog.Tile{H: 8, L: level, N: n, W: int(w)}
			data, err := tlog.ReadTileData(t, read)
			must(err, "tile")
			p := strings.TrimPrefix(t.Path(), "tile/8/")
			b, err := os.ReadFile(filepath.Join(dir, "tile", p))
			must(err, p)
			if string(b) != string(data) {
				must(fmt.Errorf("differs"), p)
			}
			tiles++
		}
	}
	fmt.Printf("ok: %d leaves, %d tiles\n", size, tiles)
}
