import { DESK, PHONE, logIn, start } from './chromium.mjs';
const base='http://127.0.0.1:8191';
const [who='manager1', combos='desk-light-en,phone-dark-zh', ...paths]=process.argv.slice(2);
for (const combo of combos.split(',')) {
  const [device, scheme, lang]=combo.split('-');
  const options=device==='desk'?{viewport:DESK,colorScheme:scheme}:{viewport:PHONE,colorScheme:scheme,isMobile:true,hasTouch:true,deviceScaleFactor:2};
  await start(options, async (context)=>{
    const page=await context.newPage();
    page.on('console',(l)=>['error','warning'].includes(l.type())&&console.log(combo,l.text()));
    await logIn(page,base,{tenant:'demo',email:`${who}@demo.example`,password:'waypost-demo'});
    if(lang==='zh') {await page.click('button[name=language][value=zh]'); await page.waitForSelector('html[lang=zh-CN]');}
    let list=paths;
    if(paths[0]==='links'){ const first=await page.evaluate(()=>[...document.querySelectorAll('a[href^="/teams/"],a[href^="/people/"],a[href^="/opportunities/"],a[href^="/accounts/"]')].map(a=>a.getAttribute('href'))); const one=(k)=>first.find(p=>p.startsWith(k)); list=['/',one('/teams/'),one('/people/'),one('/opportunities/'),one('/accounts/')].filter(Boolean); }
    for(const path of list){
      const t=Date.now();
      const r=await page.goto(base+path);
      for (const img of await page.locator('img[loading=lazy]').all()) { await img.scrollIntoViewIfNeeded(); await page.waitForFunction((one)=>one.complete&&one.naturalWidth>0, await img.elementHandle(),{timeout:20000}).catch(()=>console.log(combo,path,'IMAGE MISSING')); }
      await page.evaluate(()=>window.scrollTo(0,0));
      const over=await page.evaluate(()=>document.documentElement.scrollWidth-window.innerWidth);
      const name=`${combo}${path.split('?')[0].replace(/[0-9a-f-]{36}/,'ID').replaceAll('/','_')}`;
      await page.screenshot({path:`/tmp/vshots/${name}.png`,fullPage:true});
      console.log(r.status(), name, `${Date.now()-t} ms`, over>0?`OVER ${over}`:'');
    }
  });
}
