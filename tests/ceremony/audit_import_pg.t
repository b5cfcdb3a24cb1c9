#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# audit_import.t with a PostgreSQL server: the same verdicts, the same rows.
AUDIT_DB=postgresql
. "$(dirname "$0")/audit_import.t"
