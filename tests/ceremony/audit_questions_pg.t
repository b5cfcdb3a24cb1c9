#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# audit_questions.t with a PostgreSQL server: the same answers.
AUDIT_DB=postgresql
. "$(dirname "$0")/audit_questions.t"
