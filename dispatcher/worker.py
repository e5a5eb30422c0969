"""`celery -A dispatcher.worker worker -Q send,tick,default`."""
