/*
 * The operators' page as text: the files of src/api/page, which tools/embed-page makes into C when the program is built.
 */
#ifndef API_PAGE_H
#define API_PAGE_H

extern const char page_html[], page_css[], page_js[];

#endif
