// SPDX-License-Identifier: Apache-2.0

// gocheck verifies a log that coldseal wrote with other people's code:
// golang.org/x/mod/sumdb/note for checkpoints, .../sumdb/tlog for the tree.
//
//	gocheck log FOLDER VKEYS           every leaf, tile and the root
//	gocheck grow OLD FOLDER VKEYS      and that the log of OLD was its beginning
//	gocheck proof PROOF LEAF VKEYS     a tlog-proof of one leaf, by itself
//	gocheck since PROOF NOTE VKEYS     a tlog-witness request: the log of NOTE,
//	                                   a checkpoint or receipt, was its beginning
//
// FOLDER and OLD are unpacked audit bundles, VKEYS is log.vkey.  sumdb/note
// knows the type of its first line only, and skips signatures by other keys.
package main

import (
	"bytes"
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

func read(path ...string) []byte {
	b, err := os.ReadFile(filepath.Join(path...))
	must(err, "file")
	return b
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
		p := entries(n, int(width))
		b := read(dir, p)
		for i := int64(0); i < width; i++ {
			if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
				must(fmt.Errorf("too short"), p)
			}
			l := int(binary.BigEndian.Uint16(b))
			all = append(all, tlog.RecordHash(b[2:2+l]))
			b = b[2+l:]
		}
		if len(b) != 0 {
			must(fmt.Errorf("trailing bytes"), p)
		}
	}
	return all
}

func hash(s string) (h tlog.Hash) {
	b, err := base64.StdEncoding.DecodeString(s)
	must(err, "base64")
	if len(b) != len(h) {
		must(fmt.Errorf("%d bytes", len(b)), "hash")
	}
	copy(h[:], b)
	return h
}

// The size and root that the log's key signed.
func checkpoint(msg []byte, vkeys string) (int64, tlog.Hash) {
	v, err := note.NewVerifier(strings.SplitN(string(read(vkeys)), "\n", 2)[0])
	must(err, "key")
	n, err := note.Open(msg, note.VerifierList(v))
	must(err, "signature")
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != v.Name() {
		must(fmt.Errorf("%q", n.Text), "checkpoint text")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err, "size")
	return size, hash(lines[2])
}

// Every leaf leads to the root.  The hashes are as tlog stores them.
func tree(dir, vkeys string) (int64, tlog.Hash, tlog.HashReader) {
	size, want := checkpoint(read(dir, "checkpoint"), vkeys)
	var stored []tlog.Hash
	r := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range idx {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for i, h := range leaves(dir, size) {
		hs, err := tlog.StoredHashesForRecordHash(int64(i), h, r)
		must(err, "hash")
		stored = append(stored, hs...)
	}
	root, err := tlog.TreeHash(size, r)
	must(err, "tree")
	if root != want {
		must(fmt.Errorf("%v", root), "root")
	}
	return size, root, r
}

func tiles(dir string, size int64, r tlog.HashReader) (n int) {
	for level := 0; size>>(8*level) > 0; level++ {
		width := size >> (8 * level)
		for i := int64(0); i*256 < width; i++ {
			w := width - i*256
			if w > 256 {
				w = 256
			}
			t := tlog.Tile{H: 8, L: level, N: i, W: int(w)}
			data, err := tlog.ReadTileData(t, r)
			must(err, "tile")
			p := strings.TrimPrefix(t.Path(), "tile/8/")
			if !bytes.Equal(read(dir, "tile", p), data) {
				must(fmt.Errorf("differs"), p)
			}
			n++
		}
	}
	return n
}

// c2sp.org/tlog-proof@v1: a line for the format, one for the index, the
// hashes, a blank line, the checkpoint.
func proof(path, leaf, vkeys string) {
	head, note, ok := bytes.Cut(read(path), []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		must(fmt.Errorf("%q", lines), "proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err, "index")
	var p tlog.RecordProof
	for _, s := range lines[2:] {
		p = append(p, hash(s))
	}
	size, root := checkpoint(note, vkeys)
	must(tlog.CheckRecord(p, size, root, index, tlog.RecordHash(read(leaf))),
		"inclusion")
	fmt.Printf("ok: leaf %d of %d\n", index, size)
}

func since(path, old, vkeys string) {
	head, note, ok := bytes.Cut(read(path), []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	was, wasRoot := checkpoint(read(old), vkeys)
	if !ok || lines[0] != fmt.Sprintf("old %d", was) {
		must(fmt.Errorf("%q after %d", lines, was), "proof")
	}
	var p tlog.TreeProof
	for _, s := range lines[1:] {
		p = append(p, hash(s))
	}
	size, root := checkpoint(note, vkeys)
	must(tlog.CheckTree(p, size, root, was, wasRoot), "consistency")
	fmt.Printf("ok: %d leaves grew to %d\n", was, size)
}

func main() {
	a := os.Args[1:]
	switch {
	case len(a) == 3 && a[0] == "log":
		size, _, r := tree(a[1], a[2])
		fmt.Printf("ok: %d leaves, %d tiles\n", size, tiles(a[1], size, r))
	case len(a) == 4 && a[0] == "grow":
		size, root, r := tree(a[2], a[3])
		was, old := checkpoint(read(a[1], "checkpoint"), a[3])
		p, err := tlog.ProveTree(size, was, r)
		must(err, "consistency")
		must(tlog.CheckTree(p, size, root, was, old), "consistency")
		fmt.Printf("ok: %d leaves grew to %d\n", was, size)
	case len(a) == 4 && a[0] == "proof":
		proof(a[1], a[2], a[3])
	case len(a) == 4 && a[0] == "since":
		since(a[1], a[2], a[3])
	default:
		fmt.Fprintln(os.Stderr, "usage: gocheck log FOLDER VKEYS\n"+
			"       gocheck grow OLD FOLDER VKEYS\n"+
			"       gocheck proof PROOF LEAF VKEYS\n"+
			"       gocheck since PROOF NOTE VKEYS")
		os.Exit(2)
	}
}
