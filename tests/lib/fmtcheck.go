// SPDX-License-Identifier: Apache-2.0

// fmtcheck note VKEY FILE and fmtcheck dsse KEY.pem FILE verify, with other
// people's code, what coldseal made: the note with sumdb/note, the envelope
// with Go's crypto over a PAE that is put together here.  They print the
// signed text.
package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"crypto"

	"golang.org/x/mod/sumdb/note"
)

func must(ok bool, what string) {
	if !ok {
		fmt.Fprintln(os.Stderr, "fmtcheck: "+what)
		os.Exit(1)
	}
}

func read(name string) []byte {
	b, err := os.ReadFile(name)
	must(err == nil, name)
	return b
}

func checkNote(vkey string, msg []byte) string {
	v, err := note.NewVerifier(strings.TrimSpace(vkey))
	must(err == nil, "verifier key")
	n, err := note.Open(msg, note.VerifierList(v))
	must(err == nil, fmt.Sprint(err))
	must(len(n.Sigs) == 1 && len(n.UnverifiedSigs) == 0, "signatures")
	return n.Text
}

func verify(key any, pae, sig []byte) bool {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return ed25519.Verify(k, pae, sig)
	case *rsa.PublicKey:
		h := sha256.Sum256(pae)
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, h[:], sig) == nil
	case *ecdsa.PublicKey:
		if k.Params().BitSize == 384 {
			h := sha512.Sum384(pae)
			return ecdsa.VerifyASN1(k, h[:], sig)
		}
		h := sha256.Sum256(pae)
		return ecdsa.VerifyASN1(k, h[:], sig)
	}
	return false
}

func checkDSSE(text, env []byte) string {
	var e struct {
		Payload     string
		PayloadType string
		Signatures  []struct{ Keyid, Sig string }
	}
	block, _ := pem.Decode(text)
	must(block != nil, "PEM")
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(err == nil, "key")
	must(json.Unmarshal(env, &e) == nil, "JSON")
	payload, err := base64.StdEncoding.DecodeString(e.Payload)
	must(err == nil && len(e.Signatures) == 1, "envelope")
	sig, err := base64.StdEncoding.DecodeString(e.Signatures[0].Sig)
	must(err == nil, "signature")
	pae := fmt.Sprintf("DSSEv1 %d %s %d %s", len(e.PayloadType),
		e.PayloadType, len(payload), payload)
	must(verify(key, []byte(pae), sig), "it does not verify")
	return string(payload)
}

func main() {
	must(len(os.Args) == 4, "usage: fmtcheck note|dsse KEY FILE")
	key, file := read(os.Args[2]), read(os.Args[3])
	if os.Args[1] == "note" {
		fmt.Print(checkNote(string(key), file))
	} else {
		fmt.Print(checkDSSE(key, file))
	}
}
