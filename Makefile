# SPDX-License-Identifier: GPL-2.0-only
#
# A wrapper only: the module is built by the kernel's own makefiles (Kbuild),
# user space by tools/Makefile, and the scripts do the rest. See "make help".

# The kernel to build for: the running one's headers, else Debian 12's kernel,
# which is what the virtual machine runs.
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$\
	$(shell scripts/kernel.sh stock-6.1)/build)

# The kernel of "make vm", one of those that scripts/kernel.sh knows
KERNEL ?= stock-6.1
FILES ?= $(wildcard tools/demo/demo tools/cli/bpfmap)
MEMORY ?= 1024

kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)

all: module tools

module:
	@[ -e $(KDIR)/Makefile ] || { echo 'no kernel to build for in KDIR=$(KDIR)'; exit 1; }
	$(kbuild) modules

kunit: module
	@[ -e kunit/bpfmap_kunit.ko ] || { echo 'KDIR=$(KDIR) has no CONFIG_KUNIT'; exit 1; }

tools:
	$(MAKE) -C tools

# These need nothing installed: they get what they lack.
test:
	scripts/test.sh

soak:
	scripts/test.sh soak

check:
	scripts/check.sh

demo:
	scripts/demo.sh

# RIG=time, count or uml; CHECK=y, WRITE=y, OUT=directory, BENCH='options'
bench:
	scripts/bench.sh $(addprefix -r ,$(RIG)) $(if $(CHECK),-c) $(if $(WRITE),-w) \
		$(addprefix -o ,$(OUT)) $(if $(BENCH),-- $(BENCH))

vm:
	@scripts/setup.sh
	@out=$$(scripts/build.sh $(KERNEL)) && scripts/vm/run.sh \
		-k "$$(scripts/kernel.sh $(KERNEL))" -m "$$out/bpfmap.ko" -M $(MEMORY) \
		$(addprefix -f ,$(FILES)) $(if $(value RUN),-- "$$GUEST_RUN")
# As it was typed: dollar signs in it are the guest's.
export GUEST_RUN := $(value RUN)

install: module
	$(kbuild) modules_install

install-lib:
	$(MAKE) -C tools install

# Without Kbuild, which would need a kernel
clean:
	find drivers kunit -name '*.o' -delete -o -name '*.ko' -delete \
		-o -name '*.mod' -delete -o -name '*.mod.c' -delete \
		-o -name '.*.cmd' -delete -o -name '.*.d' -delete -o -name modules.order -delete
	rm -f modules.order Module.symvers .*.cmd
	$(MAKE) -C tools clean

help:
	@echo 'make [all]         the module and the tools'
	@echo 'make module        drivers/bpfmap/bpfmap.ko; KDIR= picks the kernel'
	@echo 'make kunit         kunit/bpfmap_kunit.ko, for a KDIR with CONFIG_KUNIT'
	@echo 'make tools         library, tests, demo, examples'
	@echo 'make demo          what it does, in a virtual machine'
	@echo 'make test          all tests, in virtual machines'
	@echo 'make bench         what operations cost, by bpf(2) and here, in a virtual machine;'
	@echo '                   RIG=count: in instructions, RIG=uml: inside the kernel;'
	@echo '                   OUT=DIR for files and plots, BENCH= for its options'
	@echo 'make soak          an hour of random commands to bpf(2) and the device, see'
	@echo '                   scripts/test.sh -h; SOAK_SECONDS=, SOAK_KERNEL=, SOAK_SEED='
	@echo 'make check         compiler warnings, sparse, checkpatch, kernel-doc'
	@echo 'make vm RUN="..."  run a command in a virtual machine with the module loaded,'
	@echo '                   without RUN a shell; FILES= to take along, KERNEL=, MEMORY='
	@echo 'make install       the module (as root); make install-lib: the library'
	@echo 'make clean'

.PHONY: all module kunit tools test soak check demo bench vm install install-lib clean help
