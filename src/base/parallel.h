#pragma once
// Threads: the only file that speaks OpenMP. Never changes the host's OpenMP settings.
#include <cstddef>
#include <functional>

namespace molrt {

// Cores that this process may use (affinity respected).
int available_threads();

// Calls body(i, worker) once for every i < count, from up to `threads` threads (one of them the
// caller, worker 0), next item to whoever is free. Inside the body, OpenMP regions (oneDNN's) run
// on one thread. The first exception stops the hand-out of items and is rethrown here. After a
// fork, a child whose parent had several threads runs on one (libgomp's team does not survive it).
// `while_waiting`, if any, is called by the caller again and again once it has no item left but
// others are still at work; it may throw like the body.
void parallel_for(int threads, size_t count,
                  const std::function<void(size_t item, int worker)>& body,
                  const std::function<void()>& while_waiting = {});

// Runs body() here with OpenMP regions inside it on one thread. oneDNN counts threads when a
// primitive is created, so primitives are created in here as well as executed inside parallel_for.
void run_on_one_thread(const std::function<void()>& body);

}  // namespace molrt
