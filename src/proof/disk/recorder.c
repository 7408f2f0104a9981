/* The recorder: put in front of libc, it writes down what a process does to one folder, and can make a call fail.
 *
 * ORDAIN_RECORD_ROOT     the folder; whatever happens elsewhere passes untouched
 * ORDAIN_RECORD_TRACE    file the records are appended to, outside of the folder; without it nothing is recorded
 * ORDAIN_RECORD_CONTROL  page shared with the parent: faults to inject, and what was counted; may be missing
 * ORDAIN_RECORD_SECONDS  how long the process may live
 *
 * Record: op u8, 0 u8, first path u16, fd i32, a i64, b i64, data u32, second path u32, then both paths and the data.
 * Promises: a change and its record are one step under one lock, so the trace is in the order of the changes. A sync is
 * two records, before and after the call, and is not under the lock: a change between them is not covered by it.
 * A process that exits keeps the lock: none of its other threads is stopped between a change and its record.
 * The real calls are made as system calls, so nothing here needs the symbols it covers. What is *not* here: meaning.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { START = 1, OPEN, CLOSE, WRITE, CUT, EXTEND, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, RMDIR };

/* Words of the control page, as in recorder.rs. */
enum { SYNC_AT, SYNC_COUNT, WRITE_AT, WRITE_COUNT, WRITE_KIND, READ_AT, READ_COUNT, CAPACITY, USED, SYNC_US, FIRED, BAD_INODE, BAD_OFFSET };
enum { FAIL_IO = 1, FAIL_SHORT, FAIL_INTERRUPTED, FAIL_FULL };

#define FDS 4096
static struct { int held; dev_t dev; ino_t ino; int spared; } fds[FDS];
static char root[PATH_MAX];
static size_t root_len;
static int trace = -1;
static volatile uint64_t *control;
/* Recursive, so that who exits can go on closing files. */
static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int64_t tokens;

static void append_record(int op, int fd, int64_t a, int64_t b, const char *one, const char *two, const void *data, size_t size)
{
    if (trace < 0)
        return;
    struct { uint8_t op, none; uint16_t one; int32_t fd; int64_t a, b; uint32_t data, two; } head = {
        op, 0, one ? strlen(one) : 0, fd, a, b, size, two ? strlen(two) : 0 };
    struct iovec parts[4] = { { &head, 32 }, { (void *)one, head.one }, { (void *)two, head.two }, { (void *)data, size } };
    if (syscall(SYS_writev, trace, parts, 4) != (long)(32 + head.one + head.two + size))
        abort();
}

__attribute__((constructor)) static void begin(void)
{
    const char *folder = getenv("ORDAIN_RECORD_ROOT"), *to = getenv("ORDAIN_RECORD_TRACE"), *page = getenv("ORDAIN_RECORD_CONTROL");
    if (!folder)
        return;
    if (to)
        trace = syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (page) {
        int fd = syscall(SYS_openat, AT_FDCWD, page, O_RDWR | O_CLOEXEC, 0);
        void *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        control = map == MAP_FAILED ? 0 : map;
        syscall(SYS_close, fd);
    }
    if (getenv("ORDAIN_RECORD_SECONDS"))
        alarm(atoi(getenv("ORDAIN_RECORD_SECONDS")));
    append_record(START, getpid(), 0, 0, 0, 0, 0, 0);
    strcpy(root, folder);
    root_len = strlen(root);
}

__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&lock);
}

/* The path below the root, empty for the root itself, or 0 if it is elsewhere. */
static const char *below(int dir, const char *path, char *into)
{
    char full[2 * PATH_MAX];
    if (!root_len || !path)
        return 0;
    if (path[0] == '/') {
        snprintf(full, sizeof full, "%s", path);
    } else {
        char base[PATH_MAX], link[64];
        ssize_t n;
        snprintf(link, sizeof link, dir == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", dir);
        if ((n = syscall(SYS_readlinkat, AT_FDCWD, link, base, sizeof base - 1)) < 0)
            return 0;
        base[n] = 0;
        snprintf(full, sizeof full, "%s/%s", base, path);
    }
    char *out = into;
    for (const char *in = full; *in && out - into < PATH_MAX - 1; in++) {
        if (in[0] == '/' && in[1] == '.' && (in[2] == '/' || !in[2])) {
            in++;
            continue;
        }
        if (in[0] == '/' && (in[1] == '/' || !in[1]))
            continue;
        *out++ = *in;
    }
    *out = 0;
    if (strncmp(into, root, root_len))
        return 0;
    return into[root_len] == '/' ? into + root_len + 1 : into[root_len] ? 0 : into + root_len;
}

static int holds(int fd)
{
    struct stat is;
    if (fd < 0 || fd >= FDS || !fds[fd].held)
        return 0;
    return !fstat(fd, &is) && is.st_ino == fds[fd].ino && is.st_dev == fds[fd].dev;
}

/* Whether the call that is counted here is the one to fail. */
static int strikes(int at, int count)
{
    if (!control)
        return 0;
    uint64_t now = __atomic_add_fetch(&control[count], 1, __ATOMIC_SEQ_CST);
    if (!control[at] || now != control[at])
        return 0;
    control[FIRED]++;
    return 1;
}

static int64_t length_of(int fd)
{
    struct stat is;
    return fstat(fd, &is) ? 0 : is.st_size;
}

/* How many of the bytes that make the file longer still have room; negative for all. */
static int64_t room_for(int64_t growth)
{
    if (!control || !control[CAPACITY] || growth <= 0)
        return -1;
    int64_t left = (int64_t)control[CAPACITY] - (int64_t)control[USED];
    if (growth <= left) {
        control[USED] += growth;
        return -1;
    }
    control[USED] = control[CAPACITY];
    control[FIRED]++;
    return left < 0 ? 0 : left;
}

static int open_at(int dir, const char *path, int flags, mode_t mode)
{
    char room[PATH_MAX];
    const char *name = below(dir, path, room);
    if (!name)
        return syscall(SYS_openat, dir, path, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat is;
    int existed = !fstatat(dir, path, &is, 0);
    int fd = syscall(SYS_openat, dir, path, flags, mode), error = errno;
    if (fd >= 0 && fd < FDS && !fstat(fd, &is)) {
        fds[fd].held = 1;
        fds[fd].dev = is.st_dev;
        fds[fd].ino = is.st_ino;
        fds[fd].spared = !strcmp(name, "ACKS");
        append_record(OPEN, fd, flags & O_TRUNC ? 1 : 0, existed | (S_ISDIR(is.st_mode) ? 2 : 0), name, 0, 0, 0);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

static mode_t mode_of(int flags, va_list rest)
{
    return flags & O_CREAT ? va_arg(rest, mode_t) : 0;
}

#define OPENS(name, head, dir) \
    int name head { va_list rest; va_start(rest, flags); mode_t mode = mode_of(flags, rest); va_end(rest); \
        return open_at(dir, path, flags, mode); }
OPENS(open, (const char *path, int flags, ...), AT_FDCWD)
OPENS(open64, (const char *path, int flags, ...), AT_FDCWD)
OPENS(openat, (int dir, const char *path, int flags, ...), dir)
OPENS(openat64, (int dir, const char *path, int flags, ...), dir)

int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd)
{
    pthread_mutex_lock(&lock);
    if (fd >= 0 && fd < FDS && fds[fd].held) {
        fds[fd].held = 0;
        append_record(CLOSE, fd, 0, 0, 0, 0, 0, 0);
    }
    int done = syscall(SYS_close, fd), error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

/* One write at an offset, or at the position of the descriptor when the offset is negative. */
static ssize_t write_at(int fd, const void *data, size_t size, int64_t offset)
{
    if (!holds(fd))
        return offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
    pthread_mutex_lock(&lock);
    int at_end = offset < 0 && (fcntl(fd, F_GETFL) & O_APPEND);
    int64_t from = at_end ? length_of(fd) : offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset;
    ssize_t done = -1;
    int error = 0;
    if (!fds[fd].spared && strikes(WRITE_AT, WRITE_COUNT)) {
        uint64_t kind = control[WRITE_KIND];
        error = kind == FAIL_IO ? EIO : kind == FAIL_INTERRUPTED ? EINTR : kind == FAIL_FULL ? ENOSPC : 0;
        if (kind == FAIL_SHORT && size > 1)
            size /= 2;
    }
    if (!error && !fds[fd].spared) {
        int64_t length = length_of(fd), room = room_for(from + (int64_t)size - (length > from ? length : from));
        if (room >= 0) {
            int64_t inside = length > from ? length - from : 0;
            size = inside + room;
            error = size ? 0 : ENOSPC;
        }
    }
    if (!error) {
        done = offset < 0 ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
        error = errno;
        if (done > 0)
            append_record(WRITE, fd, from, 0, 0, 0, data, done);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

static ssize_t write_parts(int fd, const struct iovec *parts, int count, int64_t offset)
{
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    char *all = malloc(size + 1), *end = all;
    for (int i = 0; i < count; end += parts[i++].iov_len)
        memcpy(end, parts[i].iov_base, parts[i].iov_len);
    ssize_t done = write_at(fd, all, size, offset);
    int error = errno;
    free(all);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return write_at(fd, data, size, -1); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return write_at(fd, data, size, offset); }
ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return write_at(fd, data, size, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return holds(fd) ? write_parts(fd, parts, count, -1) : syscall(SYS_writev, fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return write_parts(fd, parts, count, offset); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return write_parts(fd, parts, count, offset); }

/* The read that is struck is short; one that meets the bad byte fails, however often. */
static ssize_t read_at(int fd, void *into, size_t size, int64_t offset)
{
    if (control && size && holds(fd) && !fds[fd].spared) {
        int64_t from = offset < 0 ? lseek(fd, 0, SEEK_CUR) : offset, bad = control[BAD_OFFSET];
        if (control[BAD_INODE] == fds[fd].ino && from <= bad && bad < from + (int64_t)size) {
            control[FIRED]++;
            errno = EIO;
            return -1;
        }
        if (strikes(READ_AT, READ_COUNT))
            size = size > 1 ? size / 2 : size;
    }
    return offset < 0 ? syscall(SYS_read, fd, into, size) : syscall(SYS_pread64, fd, into, size, offset);
}

ssize_t read(int fd, void *into, size_t size) { return read_at(fd, into, size, -1); }
ssize_t pread(int fd, void *into, size_t size, off_t offset) { return read_at(fd, into, size, offset); }
ssize_t pread64(int fd, void *into, size_t size, off_t offset) { return read_at(fd, into, size, offset); }

/* Copies inside the kernel are refused, so that they become reads and writes. */
ssize_t copy_file_range(int from, off_t *a, int to, off_t *b, size_t size, unsigned flags)
{
    (void)from, (void)a, (void)to, (void)b, (void)size, (void)flags;
    errno = ENOSYS;
    return -1;
}
ssize_t sendfile64(int to, int from, off_t *at, size_t size)
{
    (void)to, (void)from, (void)at, (void)size;
    errno = EINVAL;
    return -1;
}
ssize_t sendfile(int to, int from, off_t *at, size_t size) { return sendfile64(to, from, at, size); }

static int sync_by(long call, int fd)
{
    if (!holds(fd))
        return syscall(call, fd);
    pthread_mutex_lock(&lock);
    int64_t token = ++tokens;
    append_record(SYNC_BEGIN, fd, token, 0, 0, 0, 0, 0);
    int error = strikes(SYNC_AT, SYNC_COUNT) ? EIO : 0;
    pthread_mutex_unlock(&lock);
    if (control && control[SYNC_US])
        usleep(control[SYNC_US]);
    if (!error && syscall(call, fd))
        error = errno;
    pthread_mutex_lock(&lock);
    append_record(SYNC_END, fd, token, error, 0, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return error ? -1 : 0;
}

int fsync(int fd) { return sync_by(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }
/* Says nothing about what is durable, so it is not recorded. */
int sync_file_range(int fd, off_t from, off_t size, unsigned flags) { return syscall(SYS_sync_file_range, fd, from, size, flags); }

int ftruncate(int fd, off_t length)
{
    if (!holds(fd))
        return syscall(SYS_ftruncate, fd, length);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_ftruncate, fd, length), error = errno;
    if (!done)
        append_record(CUT, fd, length, 0, 0, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int ftruncate64(int fd, off_t length) { return ftruncate(fd, length); }

int fallocate(int fd, int mode, off_t offset, off_t size)
{
    if (!holds(fd))
        return syscall(SYS_fallocate, fd, mode, offset, size);
    pthread_mutex_lock(&lock);
    int64_t length = length_of(fd);
    int done = room_for(offset + size - (length > offset ? length : offset)) >= 0 ? (errno = ENOSPC, -1)
                                                                                 : syscall(SYS_fallocate, fd, mode, offset, size);
    int error = errno;
    if (!done)
        append_record(EXTEND, fd, offset + size, 0, 0, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int fallocate64(int fd, int mode, off_t offset, off_t size) { return fallocate(fd, mode, offset, size); }

static int rename_at(int from, const char *old, int to, const char *new)
{
    char one[PATH_MAX], two[PATH_MAX];
    const char *a = below(from, old, one), *b = below(to, new, two);
    if (!a || !b)
        return syscall(SYS_renameat2, from, old, to, new, 0);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_renameat2, from, old, to, new, 0), error = errno;
    if (!done)
        append_record(RENAME, 0, 0, 0, a, b, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int rename(const char *old, const char *new) { return rename_at(AT_FDCWD, old, AT_FDCWD, new); }
int renameat(int from, const char *old, int to, const char *new) { return rename_at(from, old, to, new); }

static int unlink_at(int dir, const char *path, int flags)
{
    char room[PATH_MAX];
    const char *name = below(dir, path, room);
    if (!name)
        return syscall(SYS_unlinkat, dir, path, flags);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_unlinkat, dir, path, flags), error = errno;
    if (!done)
        append_record(flags & AT_REMOVEDIR ? RMDIR : UNLINK, 0, 0, 0, name, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int unlink(const char *path) { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int dir, const char *path, int flags) { return unlink_at(dir, path, flags); }
int rmdir(const char *path) { return unlink_at(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dir, const char *path, mode_t mode)
{
    char room[PATH_MAX];
    const char *name = below(dir, path, room);
    if (!name)
        return syscall(SYS_mkdirat, dir, path, mode);
    pthread_mutex_lock(&lock);
    int done = syscall(SYS_mkdirat, dir, path, mode), error = errno;
    if (!done)
        append_record(MKDIR, 0, 0, 0, name, 0, 0, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }
