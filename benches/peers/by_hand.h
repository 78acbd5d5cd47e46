/* What a C program does without a library: keep the token behind a mutex, look at the clock, copy.
 *
 * Less than emnify_auth_token_copy in every way but one: it is fast while nobody else wants the token.
 * How to get the first token, when to renew it, and what to do when that fails, is not even here. */
#ifndef BY_HAND_H
#define BY_HAND_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

struct kept_token {
  pthread_mutex_t lock;
  char text[4096];
  size_t length;
  time_t good_until_s;
  uint64_t good_until_ns;
};

/* The usual way. The wall clock jumps when it is set, and then the token is good for too long or
 * not at all. */
static inline int kept_token_copy(struct kept_token *kept, char *buffer) {
  int good;
  pthread_mutex_lock(&kept->lock);
  good = time(NULL) < kept->good_until_s;
  if (good) {
    memcpy(buffer, kept->text, kept->length);
  }
  pthread_mutex_unlock(&kept->lock);
  return good;
}

/* On the clock that is right: it does not jump, and goes on while the device sleeps. */
static inline int kept_token_copy_boot(struct kept_token *kept, char *buffer) {
  struct timespec now;
  int good;
  pthread_mutex_lock(&kept->lock);
  clock_gettime(CLOCK_BOOTTIME, &now);
  good = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec < kept->good_until_ns;
  if (good) {
    memcpy(buffer, kept->text, kept->length);
  }
  pthread_mutex_unlock(&kept->lock);
  return good;
}

#endif
