"""Work that outlives a page: the store, the queue, the supervisor and its workers."""
