-- A job, with its result and progress; an empty one if there is none.
return whole(given.id)
