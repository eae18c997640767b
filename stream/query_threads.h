// How a query starts its threads. Internal to this room.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <exception>
#include <thread>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"

namespace velaria {

// Signals belong to the embedding program's threads. ResourceError when there is none to be had.
template <typename Body>
std::thread start_query_thread(Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread(std::move(body));
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
  } catch (const std::exception& failure) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw Error(ErrorKind::kResource, concat("cannot start a thread: ", failure.what()));
  }
}

}  // namespace velaria
