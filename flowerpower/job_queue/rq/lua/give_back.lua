-- Gives one attempt back: whether it was held.
begin()
return give_back(given.id, given.owner, given.attempt, now(), given.error)
