# SPDX-License-Identifier: GPL-2.0-only
# data, out, heading, what and kind are set by plot.sh
set terminal svg size 900,480 font 'sans,11' background 'white'
set output out
set datafile separator '\t'
set title heading noenhanced
set ylabel what noenhanced
set key top left noenhanced
set grid ytics
set xtics noenhanced
if (kind eq 'bars') {
	set style data histograms
	set style histogram clustered gap 1
	set style fill solid 0.8
	set boxwidth 0.9
	set yrange [0:*]
	set xtics rotate by -30
	plot data using 2:xtic(1) title 'bpf(2)' lc rgb '#999999', \
	     data using 3 title 'bpfmap' lc rgb '#0060ad'
} else {
	set logscale x
	set xlabel 'elements in the map'
	set yrange [0:*]
	set format x '%.0s%c'
	plot data using 1:2 with linespoints title 'bpf(2)' lc rgb '#999999' pt 7, \
	     data using 1:3 with linespoints title 'bpfmap' lc rgb '#0060ad' pt 7
}
