"""kopf's side of the operator: from a watch event to a cached object and a key in a work queue.

Only `on.event` is used. It writes nothing: no finalizer, no annotation, no state of kopf's own; and it needs
none, because the work queues retry and every reconcile starts from what is observed.
"""
