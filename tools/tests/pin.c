// SPDX-License-Identifier: GPL-2.0-only
/*
 * pin - see pin.h
 */
#include <dirent.h>
#include <sys/mount.h>

#include "pin.h"

const char *pin_fs_type(void)
{
	return backend() == BACKEND_BPF ? "bpf" : "bpfmapfs";
}

int pin_mount(char *dir, const char *options)
{
	int ret;

	strcpy(dir, "/tmp/pins-XXXXXX");
	if (!mkdtemp(dir))
		return -errno;
	ret = sys_result(mount("pins", dir, pin_fs_type(), 0, options));
	if (ret)
		rmdir(dir);
	return ret;
}

int pin_umount(const char *dir, int flags)
{
	int ret = sys_result(umount2(dir, flags));

	if (!ret)
		rmdir(dir);
	return ret;
}

const char *pin_path(const char *dir, const char *name)
{
	static char paths[8][PIN_PATH];
	static unsigned int turn;
	char *path = paths[turn++ % 8];

	snprintf(path, PIN_PATH, "%s/%s", dir, name);
	return path;
}

static int pin_call(int cmd, struct bpfmap_obj_attr attr)
{
	union attr a = { .obj = attr };

	return sys_map(cmd, &a, sizeof(a));
}

int pin_obj(int fd, const char *path)
{
	return pin_call(BPFMAP_CMD_OBJ_PIN, (struct bpfmap_obj_attr){
		.pathname = PTR(path), .bpf_fd = fd });
}

int pin_get(const char *path, uint32_t flags)
{
	return pin_call(BPFMAP_CMD_OBJ_GET, (struct bpfmap_obj_attr){
		.pathname = PTR(path), .file_flags = flags });
}

int pin_obj_at(int path_fd, int fd, const char *path)
{
	return pin_call(BPFMAP_CMD_OBJ_PIN, (struct bpfmap_obj_attr){
		.pathname = PTR(path), .bpf_fd = fd, .path_fd = path_fd,
		.file_flags = BPFMAP_F_PATH_FD });
}

int pin_get_at(int path_fd, const char *path, uint32_t flags)
{
	return pin_call(BPFMAP_CMD_OBJ_GET, (struct bpfmap_obj_attr){
		.pathname = PTR(path), .path_fd = path_fd,
		.file_flags = flags | BPFMAP_F_PATH_FD });
}

long pin_entries(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	long n = 0;

	if (!d)
		return -errno;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}
