module bpfmap.invalid/bpfmap

go 1.18
