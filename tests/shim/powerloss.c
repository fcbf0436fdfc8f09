/* A power cut, modelled: LD_PRELOAD this and only what was fsync'ed survives, in a shadow of the watched directory.
 *
 * POWERLOSS_ROOT    the directory that is watched
 * POWERLOSS_SHADOW  where the survivors are kept: inodes/<number> holds the flushed content of a file, root/ the names
 *                   that a flushed directory had, as hard links to them
 * POWERLOSS_LEAK    per cent of writes whose content reaches the shadow without a flush, as write-back may do; in any
 *                   order, so that later bytes survive and earlier ones do not (default 0)
 * POWERLOSS_EIO     the n-th fsync or fdatasync fails with EIO and flushes nothing (default never)
 *
 * A new name, a rename or a removal survives only if its directory is flushed afterwards. sync_file_range keeps nothing.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

struct dirty {
    ino_t inode;
    off_t from, to; /* bytes that differ from the shadow; none where from >= to */
};

static struct dirty files[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside; /* our own calls are not watched */
static char root[PATH_MAX], shadow[PATH_MAX];
static int leak;
static long fail_at, syncs;
static unsigned seed;

static int under_root(const char *path) {
    size_t length = strlen(root);
    return length > 0 && strncmp(path, root, length) == 0 && (path[length] == 0 || path[length] == '/');
}

/* The path of a watched descriptor; 0 where it is not watched. */
static int watched(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return under_root(path);
}

static void inode_path(ino_t inode, char *path) {
    snprintf(path, PATH_MAX, "%.3000s/inodes/%llu", shadow, (unsigned long long)inode);
}

static void shadow_path(const char *path, char *out) {
    snprintf(out, PATH_MAX, "%.2000s/root%.2000s", shadow, path + strlen(root));
}

static struct dirty *entry_of(ino_t inode) {
    struct dirty *vacant = NULL;
    for (int i = 0; i < FILES; i++) {
        if (files[i].inode == inode) return &files[i];
        if (files[i].inode == 0 && vacant == NULL) vacant = &files[i];
    }
    if (vacant == NULL) {
        fprintf(stderr, "powerloss: more than %d files\n", FILES);
        abort();
    }
    *vacant = (struct dirty){inode, 0, 0};
    return vacant;
}

static void copy_range(int from, int to, off_t start, off_t end) {
    char buffer[65536];
    while (start < end) {
        size_t want = (size_t)(end - start) < sizeof buffer ? (size_t)(end - start) : sizeof buffer;
        ssize_t got = pread(from, buffer, want, start);
        if (got <= 0) return;
        if (pwrite(to, buffer, (size_t)got, start) != got) abort();
        start += got;
    }
}

static int open_inode(ino_t inode) {
    char path[PATH_MAX];
    inode_path(inode, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) abort();
    return fd;
}

/* Opens the same file again for reading: the caller's descriptor may be write-only. */
static int reopen(int fd) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return open(link, O_RDONLY | O_CLOEXEC);
}

static void changed(int fd, off_t from, off_t to) {
    char path[PATH_MAX];
    struct stat found;
    int kept = errno;
    if (inside || !watched(fd, path) || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) {
        errno = kept;
        return;
    }
    pthread_mutex_lock(&lock);
    inside = 1;
    struct dirty *entry = entry_of(found.st_ino);
    if (entry->from >= entry->to) {
        entry->from = from;
        entry->to = to;
    } else {
        if (from < entry->from) entry->from = from;
        if (to > entry->to) entry->to = to;
    }
    if (leak > 0 && found.st_nlink > 0 && (int)(rand_r(&seed) % 100) < leak) {
        int live = reopen(fd), kept_copy = open_inode(found.st_ino);
        /* whole blocks reach the disk, each or not */
        for (off_t at = from; at < to; at += 512) {
            off_t end = at + 512 < to ? at + 512 : to;
            if (rand_r(&seed) % 2) copy_range(live, kept_copy, at, end);
        }
        close(live);
        close(kept_copy);
    }
    inside = 0;
    pthread_mutex_unlock(&lock);
    errno = kept;
}

static void sync_content(int fd, const struct stat *found) {
    if (found->st_nlink == 0) return;
    struct dirty *entry = entry_of(found->st_ino);
    int live = reopen(fd), kept = open_inode(found->st_ino);
    if (ftruncate(kept, found->st_size) != 0) abort();
    copy_range(live, kept, entry->from, entry->to < found->st_size ? entry->to : found->st_size);
    entry->from = entry->to = 0;
    close(live);
    close(kept);
}

static void remove_tree(const char *path) {
    DIR *dir = opendir(path);
    if (dir != NULL) {
        for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
            char child[PATH_MAX];
            snprintf(child, sizeof child, "%.3000s/%s", path, entry->d_name);
            remove_tree(child);
        }
        closedir(dir);
    }
    remove(path);
}

static void sync_names(const char *path) {
    char mirror[PATH_MAX], live[PATH_MAX], kept[PATH_MAX], content[PATH_MAX];
    struct stat live_stat, kept_stat;
    shadow_path(path, mirror);
    mkdir(mirror, 0700);
    DIR *dir = opendir(mirror);
    if (dir == NULL) return; /* the directory's own name was never flushed */
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(live, sizeof live, "%.3000s/%s", path, entry->d_name);
        snprintf(kept, sizeof kept, "%.3000s/%s", mirror, entry->d_name);
        if (lstat(live, &live_stat) != 0) remove_tree(kept);
    }
    closedir(dir);
    dir = opendir(path);
    if (dir == NULL) return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(live, sizeof live, "%.3000s/%s", path, entry->d_name);
        snprintf(kept, sizeof kept, "%.3000s/%s", mirror, entry->d_name);
        if (lstat(live, &live_stat) != 0) continue;
        if (S_ISDIR(live_stat.st_mode)) {
            mkdir(kept, 0700);
            continue;
        }
        close(open_inode(live_stat.st_ino));
        inode_path(live_stat.st_ino, content);
        chmod(content, live_stat.st_mode & 0777);
        if (lstat(kept, &kept_stat) == 0) {
            struct stat content_stat;
            if (stat(content, &content_stat) == 0 && content_stat.st_ino == kept_stat.st_ino) continue;
            remove_tree(kept);
        }
        if (link(content, kept) != 0) abort();
    }
    closedir(dir);
}

/* Before a name is removed or replaced: the number of a freed inode is used again. */
static ino_t doomed(const char *path) {
    struct stat found;
    char full[PATH_MAX];
    if (inside || realpath(path, full) == NULL || !under_root(full) || lstat(full, &found) != 0) return 0;
    return S_ISREG(found.st_mode) && found.st_nlink == 1 ? found.st_ino : 0;
}

static void forget(ino_t inode) {
    if (inode == 0) return;
    char path[PATH_MAX];
    int kept = errno;
    pthread_mutex_lock(&lock);
    inode_path(inode, path);
    unlink(path);
    for (int i = 0; i < FILES; i++)
        if (files[i].inode == inode) files[i] = (struct dirty){0, 0, 0};
    pthread_mutex_unlock(&lock);
    errno = kept;
}

static int synced(int fd, int (*real)(int)) {
    char path[PATH_MAX];
    struct stat found;
    if (inside || !watched(fd, path) || fstat(fd, &found) != 0) return real(fd);
    if (fail_at > 0 && __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST) == fail_at) {
        errno = EIO;
        return -1;
    }
    pthread_mutex_lock(&lock);
    inside = 1;
    if (S_ISDIR(found.st_mode))
        sync_names(path);
    else if (S_ISREG(found.st_mode))
        sync_content(fd, &found);
    inside = 0;
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

ssize_t write(int fd, const void *bytes, size_t count) {
    ssize_t written = REAL(write)(fd, bytes, count);
    if (written > 0 && !inside && root[0]) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        if (end >= written) changed(fd, end - written, end);
    }
    return written;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    ssize_t written = REAL(writev)(fd, parts, count);
    if (written > 0 && !inside && root[0]) {
        off_t end = lseek(fd, 0, SEEK_CUR);
        if (end >= written) changed(fd, end - written, end);
    }
    return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    ssize_t written = REAL(pwrite64)(fd, bytes, count, offset);
    if (written > 0 && !inside && root[0]) changed(fd, offset, offset + written);
    return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    ssize_t written = REAL(pwrite)(fd, bytes, count, offset);
    if (written > 0 && !inside && root[0]) changed(fd, offset, offset + written);
    return written;
}

int unlink(const char *path) {
    ino_t inode = doomed(path);
    int result = REAL(unlink)(path);
    if (result == 0) forget(inode);
    return result;
}

int unlinkat(int dir, const char *path, int flags) {
    char full[PATH_MAX], base[PATH_MAX];
    ino_t inode = 0;
    if (!inside && dir != AT_FDCWD && watched(dir, base)) {
        snprintf(full, sizeof full, "%.2000s/%.2000s", base, path);
        inode = doomed(full);
    } else if (dir == AT_FDCWD) {
        inode = doomed(path);
    }
    int result = REAL(unlinkat)(dir, path, flags);
    if (result == 0) forget(inode);
    return result;
}

int rename(const char *from, const char *to) {
    ino_t inode = doomed(to);
    int result = REAL(rename)(from, to);
    if (result == 0) forget(inode);
    return result;
}

/* What lies there at the start is taken to be on the disk. */
static void adopt(const char *path) {
    char live[PATH_MAX], content[PATH_MAX], mirror[PATH_MAX];
    shadow_path(path, mirror);
    mkdir(mirror, 0700);
    DIR *dir = opendir(path);
    if (dir == NULL) return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(live, sizeof live, "%.3000s/%s", path, entry->d_name);
        struct stat found;
        if (lstat(live, &found) != 0) continue;
        if (S_ISDIR(found.st_mode)) {
            adopt(live);
            continue;
        }
        int from = open(live, O_RDONLY | O_CLOEXEC), to = open_inode(found.st_ino);
        copy_range(from, to, 0, found.st_size);
        close(from);
        close(to);
        inode_path(found.st_ino, content);
        chmod(content, found.st_mode & 0777);
        shadow_path(live, mirror);
        if (link(content, mirror) != 0) abort();
    }
    closedir(dir);
}

__attribute__((constructor)) static void begin(void) {
    const char *watched_root = getenv("POWERLOSS_ROOT"), *kept = getenv("POWERLOSS_SHADOW");
    if (watched_root == NULL || kept == NULL) return;
    const char *share = getenv("POWERLOSS_LEAK"), *fail = getenv("POWERLOSS_EIO");
    leak = share ? atoi(share) : 0;
    fail_at = fail ? atol(fail) : 0;
    seed = (unsigned)getpid();
    inside = 1;
    char path[PATH_MAX];
    snprintf(shadow, sizeof shadow, "%.3000s", kept);
    mkdir(shadow, 0700);
    snprintf(path, sizeof path, "%.3000s/inodes", shadow);
    mkdir(path, 0700);
    mkdir(watched_root, 0700);
    if (realpath(watched_root, root) == NULL) abort();
    adopt(root);
    inside = 0;
}
