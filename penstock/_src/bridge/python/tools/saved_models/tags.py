"""Tag-sets as they are written on a command line."""


def clean_tags(tag_set: str) -> str:
    """Returns "tag,tag" without spaces and empty tags.

    Raises:
      ValueError: there is no tag.
    """
    tags = [tag.strip() for tag in tag_set.split(",") if tag.strip()]
    if not tags:
        raise ValueError("tag_set must contain at least one non-empty item.")
    return ",".join(tags)
