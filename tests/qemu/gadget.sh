# SPDX-License-Identifier: Apache-2.0
# USB devices made of software, in the guest: dummy_hcd is a host controller
# and a device controller joined to each other.
