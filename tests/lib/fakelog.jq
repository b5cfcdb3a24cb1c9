# SPDX-License-Identifier: Apache-2.0
# The leaves of a log that no appliance wrote, for pages and questions at a
# size that a ceremony does not reach: canonical with jq -cS.
#	jq -ncS --argjson n N --argjson each M -f fakelog.jq
# N ceremonies of M signatures each, over two years; every tenth request is
# refused.  --arg odd TEXT: a name that artifacts and products then have.

def hex64: tostring as $s | ("0" * (64 - ($s | length))) + $s;
def hex32: hex64 | .[32:];
($ARGS.named.odd // "") as $odd
| ["router", "camera", "gateway", "thermostat", "doorbell", "meter", "pump",
   "charger"] as $products
| ["alice", "bob", "carol", "dave", "erin"] as $people
| def leaf($event; $t; $boot; $data): {boot: $boot, data: $data,
    event: $event, time: {claimed: $t, source: "rtc"},
    tpm: {clock: ($t % 1000000), reset: $boot, restart: 0, safe: true}, v: 1};
  def policy: (7 | hex64);
  leaf("log.start"; 1700000000; 1; {appliance: "fake.example/log",
      policy: policy, policy_envelope: (8 | hex64), policy_version: 1,
      rehearsal: false}),
  (range($n) as $i
  | (1700000000 + $i * (63000000 / $n | floor)) as $t
  | (1 + ($i / 20 | floor)) as $boot
  | ($products[$i * $i % 11 % 8] + $odd) as $product
  | $people[$i % 5] as $a | $people[($i + 1 + $i % 3) % 5] as $b
  | {request: ($i | hex32), request_sha256: ($i | hex64)} as $q
  | (if $i % 20 == 0 then leaf("boot"; $t; $boot; {counter: (19 * $boot - 18),
        image_version: 3, policy: policy, policy_version: 1})
    else empty end),
    if $i % 10 == 7 then leaf("intake.refused"; $t + 1; $boot; $q + {
        check: ["POLICY-PRODUCT", "EVIDENCE-SEVERITY", "REQ-SIGNATURE",
            "EVIDENCE-MISSING"][$i % 7 % 4], checks: ["POLICY-PRODUCT"],
        found: ("what was found" + $odd), person: "ci", product: $product,
        version: "1.\($i)"})
    else
      leaf("intake.accepted"; $t + 1; $boot; $q + {artifacts: $each,
          branch: "release/\($i % 9)", commit: ($i * 7919 | hex64 | .[24:]),
          envelope: (1000000 + $i | hex64), evidence: [
              {name: ("scan.json" + $odd), sha256: (2000000 + $i | hex64)}],
          format: "raw", key: "fw-p256", person: "ci",
          pipeline: "https://ci.example/\($product)", policy: policy,
          product: $product, root: (3000000 + $i | hex64),
          rule: "release", run: "\($i)", system: "builder-\($i % 4)",
          threshold: 2, user: ("user" + $odd), version: "1.\($i)"}),
      leaf("session"; $t + 2; $boot; $q + {context: ($i | hex64),
          domain: "release", handle: 1, nonce: (4000000 + $i | hex64),
          seconds: 28800}),
      ($a, $b | . as $p | leaf("approval"; $t + 60; $boot; $q + {
          decision: "approve", envelope: (5000000 + $i | hex64),
          key_id: ($p | explode | add | hex64), person: $p, reason: "",
          statement: ($i * 10 + ($p | length) + 6000000 | hex64),
          vote: ""})),
      leaf("sign.intent"; $t + 90; $boot; $q + {approvals: [
          ($a, $b | $i * 10 + length + 6000000 | hex64)], artifacts: $each,
          format: "raw", key: "fw-p256", rule: "release"}),
      (range($each) as $k | leaf("signature"; $t + 91; $boot; {
          artifact: (7000000 + $i * $each + $k | hex64), format: "raw",
          key: "fw-p256", name: "image-\($k).bin\($odd)", product: $product,
          request: $q.request, signature: "AA==",
          signature_sha256: (90000000 + $i * $each + $k | hex64), trace: {
              approvers: [{person: $a, time: ($t + 60)},
                  {person: $b, time: ($t + 60)}], branch: "release/\($i % 9)",
              ceremony: (4000000 + $i | hex64),
              commit: ($i * 7919 | hex64 | .[24:]), domain: "release",
              evidence: [(2000000 + $i | hex64)],
              pipeline: "https://ci.example/\($product)", policy: policy,
              policy_version: 1, requester: "ci", rule: "release",
              run: "\($i)", system: "builder-\($i % 4)",
              user: ("user" + $odd)}, version: "1.\($i)"})),
      leaf("sign.outcome"; $t + 92; $boot; $q + {count: $each, first: 0,
          record: (8000000 + $i | hex64), result: "signed"}),
      leaf("export"; $t + 100; $boot; $q + {counter: (19 * $boot
          - 17 + $i % 20 - (if $i % 20 > 16 then 2 elif $i % 20 > 6 then 1
          else 0 end)),
          files: [{name: "COLDSEAL.RSP", sha256: (9000000 + $i | hex64),
              size: 1000}]})
    end,
    if $i % 20 == 19 then leaf("shutdown"; $t + 200; $boot; {})
    else empty end)
