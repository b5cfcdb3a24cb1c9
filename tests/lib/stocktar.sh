# SPDX-License-Identifier: Apache-2.0
# Bundles made by stock tar.  GNU tar up to 1.34 writes the device numbers of
# a file as zeros, as our canonical header does; 1.35 leaves them empty.
#
#	stock_tar TAR-OPTIONS... -cf OUT ...	as tar; then OUT's headers get
#						the zeros that are missing
stock_tar() {
	local out="" prev="" a
	for a in "$@"; do
		[ "$prev" = -cf ] && out=$a
		prev=$a
	done
	tar -b1 --format=ustar --owner=0 --group=0 --numeric-owner \
	    --mode=0644 --mtime=@0 "$@" || return
	perl -e '
		open(F, "+<", $ARGV[0]) or die; binmode F;
		my $at = 0;
		while (seek(F, $at, 0) && read(F, my $h, 512) == 512) {
			last if $h !~ /[^\0]/;
			my $size = oct(substr($h, 124, 11));
			if (substr($h, 329, 1) eq "\0") {
				substr($h, 329, 8) = "0000000\0";
				substr($h, 337, 8) = "0000000\0";
				substr($h, 148, 8) = " " x 8;
				my $sum = unpack("%32C*", $h);
				substr($h, 148, 8) = sprintf("%06o\0 ", $sum);
				seek(F, $at, 0); print F $h;
			}
			$at += 512 + int(($size + 511) / 512) * 512;
		}' "$out"
}
