#include "mapped.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

// More files than anybody opens at a time; the message about a further one
// does without its name.
enum { SLOTS = 1024, PATH_BYTES = 4096 };

static struct slot {
  _Atomic(uintptr_t) base;  // 0 where the slot is free, 1 while it is filled
  _Atomic(size_t) count;
  char path[PATH_BYTES];
} slots[SLOTS];

static const char *message_prefix;
static const char *message_text;
static int exit_status;
static struct sigaction former;
static atomic_int is_installed;
static atomic_int has_unnamed;

// Only what POSIX lets a signal handler call.
static void say(const char *text) {
  size_t left = strlen(text);
  while (left > 0) {
    ssize_t count = write(STDERR_FILENO, text, left);
    if (count <= 0) return;
    text += count;
    left -= (size_t)count;
  }
}

static void end(const char *path) {
  say(message_prefix);
  say(path);
  say(message_text);
  _exit(exit_status);
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context) {
  (void)signal_number;
  (void)context;
  uintptr_t address = (uintptr_t)info->si_addr;
  for (int index = 0; index < SLOTS; index++) {
    uintptr_t base = atomic_load(&slots[index].base);
    if (base <= 1 || address < base ||
        address - base >= atomic_load(&slots[index].count)) {
      continue;
    }
    end(slots[index].path);
  }
  if (atomic_load(&has_unnamed)) end("a mapped file");
  // Not a file of ours: the instruction is repeated and ends as it would have.
  sigaction(SIGBUS, &former, NULL);
}

void pth_end_on_shortened_file(const char *prefix, const char *text,
                               int status) {
  message_prefix = prefix;
  message_text = text;
  exit_status = status;
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, &former) == 0) atomic_store(&is_installed, 1);
}

void pth_mapped(const void *base, size_t count, const char *path) {
  if (!atomic_load(&is_installed)) return;
  for (int index = 0; index < SLOTS; index++) {
    struct slot *slot = &slots[index];
    uintptr_t free = 0;
    if (!atomic_compare_exchange_strong(&slot->base, &free, 1)) continue;
    // A mapping ends with its last page, not with the file's last byte.
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    atomic_store(&slot->count, (count + page - 1) / page * page);
    strncpy(slot->path, path, PATH_BYTES - 1);
    slot->path[PATH_BYTES - 1] = 0;
    atomic_store(&slot->base, (uintptr_t)base);
    return;
  }
  atomic_store(&has_unnamed, 1);
}

void pth_unmapped(const void *base) {
  if (!atomic_load(&is_installed)) return;
  for (int index = 0; index < SLOTS; index++) {
    uintptr_t expected = (uintptr_t)base;
    if (atomic_compare_exchange_strong(&slots[index].base, &expected, 0)) {
      return;
    }
  }
}
