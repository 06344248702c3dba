# SPDX-License-Identifier: GPL-2.0-only
#
# A wrapper only: the module is built by the kernel's own makefiles (Kbuild),
# user space by tools/Makefile, and the scripts do the rest. See "make help".

# The kernel to build for: the running one's headers, else Debian 12's kernel,
# which is what the virtual machine runs.
stock = $(shell scripts/kernel.sh -l stock)
KDIR ?= $(or $(wildcard /lib/modules/$(shell uname -r)/build),$\
	$(shell scripts/kernel.sh $(stock))/build)

# The kernel of "make vm", one of those in scripts/kernels
KERNEL ?= $(stock)
FILES ?= $(wildcard tools/demo/demo)
MEMORY ?= 1024
# As if it were installed
# bpfmapctl is built for this machine's architecture
vm_tools = $(if $(filter $(shell scripts/kernel.sh -l foreign),$(KERNEL)),,$(addsuffix \
	:/usr/bin/bpfmapctl,$(wildcard tools/cli/bpfmapctl)))

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

# Longer, and on more kernels: see scripts/test.sh -h
test-kernels:
	scripts/test.sh kernels kcsan clients

# Programs of others, with bpf(2) and with the device
clients:
	scripts/test.sh clients

soak:
	scripts/test.sh soak

# Faults that the tests have to notice; FAULT= for some of them
mutations:
	scripts/mutate.sh $(if $(FAULT),'$(FAULT)')

# TIME=10m, OUT=directory, SEED=number
fuzz:
	scripts/fuzz.sh $(addprefix -t ,$(TIME)) $(addprefix -o ,$(OUT)) \
		$(addprefix -s ,$(SEED))

check:
	scripts/check.sh

# HTML and manual pages, to Documentation/build
doc:
	scripts/doc.sh

demo:
	scripts/demo.sh

# RIG=time, count or uml; CHECK=y, WRITE=y, OUT=directory, BENCH='options'
bench:
	scripts/bench.sh $(addprefix -r ,$(RIG)) $(if $(CHECK),-c) $(if $(WRITE),-w) \
		$(addprefix -o ,$(OUT)) $(if $(BENCH),-- $(BENCH))

vm:
	@scripts/setup.sh vm
	@out=$$(scripts/build.sh $(KERNEL)) && scripts/vm/run.sh \
		-k "$$(scripts/kernel.sh $(KERNEL))" -m "$$out/bpfmap.ko" -M $(MEMORY) \
		$(addprefix -f ,$(vm_tools) $(FILES)) $(if $(value RUN),-- "$$GUEST_RUN")
# As it was typed: dollar signs in it are the guest's.
export GUEST_RUN := $(value RUN)

# Where modules of a kernel go that are not its own; DEPMOD=true leaves out depmod
DEPMOD ?= depmod
kernelrelease = $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h)
extra = $(DESTDIR)/lib/modules/$(kernelrelease)/extra
run_depmod = $(DEPMOD) $(if $(DESTDIR),-b $(DESTDIR)) -a $(kernelrelease)

install: module
	$(kbuild) modules_install INSTALL_MOD_DIR=extra DEPMOD=true \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR))
	$(run_depmod)
	$(MAKE) -C tools install install-tools install-system

# KDIR= as for "make install"
uninstall:
	$(RM) -r $(extra)/drivers/bpfmap $(extra)/kunit/bpfmap_kunit.ko*
	for dir in $(extra)/drivers $(extra)/kunit $(extra); do \
		[ ! -d $$dir ] || rmdir --ignore-fail-on-non-empty $$dir; done
	$(run_depmod)
	$(MAKE) -C tools uninstall uninstall-tools uninstall-system

# Sources for dkms, which builds the module for each kernel: then
# "dkms install bpfmap/VERSION"
version = $(shell $(MAKE) -s --no-print-directory -C tools version)
dkms = $(DESTDIR)/usr/src/bpfmap-$(version)
dkms-install:
	install -d $(dkms)/drivers/bpfmap $(dkms)/include/linux \
		$(dkms)/include/uapi/linux
	install -m 644 drivers/bpfmap/Kbuild drivers/bpfmap/*.[ch] $(dkms)/drivers/bpfmap
	install -m 644 include/linux/*.h $(dkms)/include/linux
	install -m 644 include/uapi/linux/*.h $(dkms)/include/uapi/linux
	echo 'obj-m += drivers/bpfmap/' >$(dkms)/Kbuild
	sed 's/@VERSION@/$(version)/' scripts/dkms.conf.in >$(dkms)/dkms.conf

# After "dkms remove bpfmap/VERSION --all"
dkms-uninstall:
	$(RM) -r $(dkms)

# bpfmap-dkms, bpfmap-tools, libbpfmap1, libbpfmap-dev, python3-bpfmap in build/deb
deb:
	scripts/deb.sh

install-lib:
	$(MAKE) -C tools install

# Without Kbuild, which would need a kernel
clean:
	find drivers kunit -name '*.o' -delete -o -name '*.ko' -delete \
		-o -name '*.mod' -delete -o -name '*.mod.c' -delete \
		-o -name '.*.cmd' -delete -o -name '.*.d' -delete -o -name modules.order -delete
	rm -f modules.order Module.symvers .*.cmd
	rm -rf build
	rm -rf Documentation/build
	$(MAKE) -C tools clean

help:
	@echo 'make [all]         the module and the tools'
	@echo 'make module        drivers/bpfmap/bpfmap.ko; KDIR= picks the kernel'
	@echo 'make kunit         kunit/bpfmap_kunit.ko, for a KDIR with CONFIG_KUNIT'
	@echo 'make tools         library, bpfmapctl, tests, demo, examples'
	@echo 'make doc           the texts of Documentation as HTML, manual pages of functions'
	@echo 'make demo          what it does, in a virtual machine'
	@echo 'make test          all tests, in virtual machines'
	@echo 'make test-kernels  more of them on more kernels, one of which sees data races'
	@echo 'make clients       programs of others, with bpf(2) and with the device'
	@echo 'make bench         what operations cost, by bpf(2) and here, in a virtual machine;'
	@echo '                   RIG=count: in instructions, RIG=uml: inside the kernel;'
	@echo '                   OUT=DIR for files and plots, BENCH= for its options'
	@echo 'make soak          an hour of random commands to bpf(2) and the device, see'
	@echo '                   scripts/test.sh -h; SOAK_SECONDS=, SOAK_KERNEL=, SOAK_SEED='
	@echo 'make mutations     check that the tests notice faults put into the module'
	@echo 'make fuzz          ten minutes of fuzzing, and what it reached of the code;'
	@echo '                   TIME=60m, OUT=DIR for all it found, SEED='
	@echo 'make check         compiler warnings, sparse, checkpatch, kernel-doc, wording'
	@echo 'make vm RUN="..."  run a command in a virtual machine with the module loaded,'
	@echo '                   without RUN a shell; FILES= to take along, KERNEL=, MEMORY='
	@echo 'make install       all of it (as root); make install-lib: the library only'
	@echo 'make uninstall     undoes it'
	@echo 'make dkms-install  sources for dkms'
	@echo 'make deb           Debian packages, in build/deb'
	@echo 'make clean'

.PHONY: all module kunit tools test test-kernels clients soak fuzz mutations check demo bench \
	vm doc install uninstall install-lib dkms-install dkms-uninstall deb clean \
	help
