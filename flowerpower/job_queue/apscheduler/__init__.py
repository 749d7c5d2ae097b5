"""The backend that needs no server: jobs in SQL, APScheduler's loop over them."""
