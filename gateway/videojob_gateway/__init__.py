"""The HTTP gateway, for programs that do not speak Kubernetes. It keeps nothing: VideoJobs are all that there is."""
